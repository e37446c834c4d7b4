package german

import (
	"os"
	"path/filepath"
	"strings"
)

// sample is so much of the texts that the demo ships.
func sample(size int) string {
	files, _ := filepath.Glob("../demo/content/*.md")
	var s strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		if _, body, ok := strings.Cut(string(text), "\n---\n"); ok {
			text = []byte(body)
		}
		s.Write(text)
	}
	text := s.String()
	if len(text) < size {
		panic("the demo has too little text")
	}
	return strings.ToValidUTF8(text[:size], "")
}
