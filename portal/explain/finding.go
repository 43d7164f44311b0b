package explain

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"tollhouse/portal/text"
	"tollhouse/portal/ui"
)

// The catalog words its findings in English, for its API and files as for
// everybody. Pages tell them in the reader's language: a finding is recognised
// by its English wording, whose places are what it is about.

// wording is one way in which the catalog words a finding.
type wording struct {
	key    string
	fits   *regexp.Regexp
	places []string
	plain  int // how much of it is words: the more, the surer
}

var place = regexp.MustCompile(`\\\{([a-d])\\\}`)

// wordings are all of them, the surest first.
var wordings = sync.OnceValue(func() []wording {
	var list []wording
	for key, english := range text.Beginning("finding.") {
		if key == "finding.at" || key == "finding.want" || strings.HasPrefix(key, knownWord) {
			continue
		}
		w := wording{key: key, plain: len(english)}
		pattern := regexp.QuoteMeta(english)
		for _, m := range place.FindAllStringSubmatch(pattern, -1) {
			w.places = append(w.places, m[1])
			w.plain -= len("{a}")
		}
		w.fits = regexp.MustCompile(`^` + place.ReplaceAllString(pattern, `(.+?)`) + `$`)
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b wording) int {
		if a.plain != b.plain {
			return b.plain - a.plain
		}
		return strings.Compare(a.key, b.key)
	})
	return list
})

// knownWord begins the keys of words that stand in a finding's places.
const knownWord = "finding.word."

// Finding tells a finding, or what would be right, in the reader's language.
// One that is not known stays as it is; known says so.
func Finding(r ui.Reader, message string) (words string, known bool) {
	for _, w := range wordings() {
		found := w.fits.FindStringSubmatch(message)
		if found == nil {
			continue
		}
		pairs := make([]string, 0, len(found)*2)
		for i, name := range w.places {
			pairs = append(pairs, name, placed(r, found[i+1]))
		}
		return r.T(w.key, pairs...), true
	}
	return message, r.Locale.Language == "en"
}

// placed translates what stands in a finding's place, where it is a word of the
// format: voice, bytes, mon.
func placed(r ui.Reader, what string) string {
	parts := strings.Split(what, ", ")
	for i, part := range parts {
		if part == "prefix *" {
			parts[i] = r.T(knownWord + "everywhere")
			continue
		}
		first, rest, more := strings.Cut(part, " ")
		if told := r.T(knownWord + first); told != knownWord+first {
			parts[i] = told
			if more {
				parts[i] += " " + rest
			}
		}
	}
	return strings.Join(parts, ", ")
}

// FindingWith joins a finding with what would be right.
func FindingWith(r ui.Reader, message, want string) (words string, known bool) {
	words, known = Finding(r, message)
	if want == "" {
		return words, known
	}
	right, also := Finding(r, want)
	return r.T("finding.want", "what", words, "want", right), known && also
}
