package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Linux counts CPU time in hundredths of a second, whatever its clock's
// frequency (sysconf(_SC_CLK_TCK), which is part of its ABI).
const tick = 10 * time.Millisecond

// cpuOf is the CPU time of a process and of its children that have ended; with
// family, of its living children, too. Not ok if the process is not known.
func cpuOf(pid int, family bool) (total time.Duration, ok bool) {
	own, ok := stat(pid)
	if !ok {
		return 0, false
	}
	total = own.cpu
	if !family {
		return total, true
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if s, ok := stat(child); ok && s.parent == pid {
			total += s.cpu
		}
	}
	return total, true
}

type processStat struct {
	parent int
	cpu    time.Duration // with that of children that have ended
}

// stat reads /proc/PID/stat (proc(5)). The name, in brackets, may hold anything.
func stat(pid int) (s processStat, ok bool) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return s, false
	}
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	number := func(i int) int { n, _ := strconv.Atoi(string(fields[i-3])); return n } // counted as in the manual
	s.parent = number(4)
	for i := 14; i <= 17; i++ { // utime, stime, cutime, cstime
		s.cpu += time.Duration(number(i)) * tick
	}
	return s, true
}

// residentOf is how much memory of a process is resident, in bytes.
func residentOf(pid int) (int, bool) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, false
	}
	pages, err := strconv.Atoi(string(bytes.Fields(line)[1]))
	return pages * os.Getpagesize(), err == nil
}

// yield lets all other processes go first: clients run on machines of their own, and
// take nothing from whom they ask.
func yield() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err == nil {
			err = syscall.Setpriority(syscall.PRIO_PROCESS, id, 19)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
