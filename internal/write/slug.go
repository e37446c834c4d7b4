package write

import (
	"slices"
	"strconv"
	"strings"

	"stadtgraph/internal/slug"
)

// maxSlug is how long a slug may be.
const maxSlug = 120

// slugBase is what the slug of a new row is made of, unless it was given one.
func (d *Draft) slugBase(exists bool) string {
	if exists || d.slugGiven || d.Object.Slug == "" {
		return ""
	}
	name, _ := d.Set[snake(d.Object.Slug)].(string)
	base := slug.Make(name)
	if base == "" {
		base = strings.ReplaceAll(d.Object.Table, "_", "-")
	}
	if len(base) > maxSlug-10 {
		base = strings.TrimRight(base[:maxSlug-10], "-")
	}
	return base
}

// free is a slug that is not taken: the base, or the base with the next number.
func free(base string, taken []string) string {
	if !slices.Contains(taken, base) {
		return base
	}
	highest := 1
	for _, s := range taken {
		if n, err := strconv.Atoi(strings.TrimPrefix(s, base+"-")); err == nil && n < 1_000_000 {
			highest = max(highest, n)
		}
	}
	return base + "-" + strconv.Itoa(highest+1)
}
