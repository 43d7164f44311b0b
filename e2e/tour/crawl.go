package tour

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// Stop is one page that was reached: an example of all that have its pattern.
type Stop struct {
	Pattern string // the address with its ids left out
	URL     string
	Status  int
	From    string // the page that links there
	File    bool   // it is downloaded, not shown
	Links   []string
}

// maxStops bounds a tour through one door.
const maxStops = 250

// Crawl follows every link from a page on, within the paths that begin with
// below, one example of each pattern, in the order met.
func Crawl(page context.Context, base, start, below string) ([]Stop, error) {
	var stops []Stop
	waiting := []Stop{{URL: base + start, From: "the door"}}
	seen := map[string]bool{}
	for len(waiting) > 0 && len(stops) < maxStops {
		next := waiting[0]
		waiting = waiting[1:]
		next.Pattern = Pattern(next.URL)
		if seen[next.Pattern] {
			continue
		}
		seen[next.Pattern] = true
		if err := next.visit(page); err != nil {
			return stops, err
		}
		stops = append(stops, next)
		for _, link := range next.Links {
			u, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(link, base+below) || leavesPages(u) {
				continue
			}
			u.Fragment = ""
			waiting = append(waiting, Stop{URL: u.String(), From: next.Pattern, File: isFile(u)})
		}
	}
	return stops, nil
}

// leavesPages says whether an address leads out of the door's pages, or only
// changes how they are shown.
func leavesPages(u *url.URL) bool {
	q := u.Query()
	return strings.Contains(u.Path, "/mailbox") || q.Has("lang") || q.Has("theme")
}

var fileEnd = regexp.MustCompile(`[/.](csv|yaml|json|zip|pdf|png|txt|xlsx|xml|ubl)$`)

// isFile says whether an address gives a file rather than a page.
func isFile(u *url.URL) bool {
	q := u.Query()
	return q.Has("format") || q.Has("export") || fileEnd.MatchString(u.Path)
}

func (s *Stop) visit(page context.Context) error {
	if s.File {
		return s.fetch(page)
	}
	if err := Do(page, chromedp.Navigate(s.URL)); err != nil {
		return fmt.Errorf("go to %s (from %s): %w", s.URL, s.From, err)
	}
	var err error
	if s.Status, err = chromedp.Run(page, chromedp.Evaluate[int](`performance.getEntriesByType("navigation")[0].responseStatus`)); err != nil {
		return fmt.Errorf("status of %s: %w", s.URL, err)
	}
	s.Links, err = chromedp.Run(page, chromedp.Evaluate[[]string](`[...new Set([...document.querySelectorAll("a[href]")].map(a => a.href))]`))
	if err != nil {
		return fmt.Errorf("links of %s: %w", s.URL, err)
	}
	return nil
}

// fetch asks for a file from the page that is open, as its link would.
func (s *Stop) fetch(page context.Context) (err error) {
	short, cancel := context.WithTimeout(page, actionTime)
	defer cancel()
	s.Status, err = chromedp.Run(short, chromedp.Evaluate[int](fmt.Sprintf(`fetch(%q).then(r => r.arrayBuffer().then(() => r.status))`, s.URL), chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("fetch %s (from %s): %w", s.URL, s.From, err)
	}
	return nil
}

var (
	named = regexp.MustCompile(`/(offers|operators|roles|sources|import/samples)/([^/?]+)`)
	ids   = regexp.MustCompile(`/[^/?]*\d[^/?]*`)
)

// pagesOfTheirOwn stand where names do, and are none.
var pagesOfTheirOwn = []string{"new", "import"}

// Pattern is an address without its ids, names and values: all bills have one.
func Pattern(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	path := u.Path
	prefix := ""
	if strings.HasPrefix(path, "/t/") { // the tenant's name is no id
		rest := strings.SplitN(path, "/", 4)
		if len(rest) == 4 {
			prefix, path = strings.Join(rest[:3], "/"), "/"+rest[3]
		}
	}
	path = named.ReplaceAllStringFunc(path, func(at string) string {
		parent, name := at[:strings.LastIndex(at, "/")], at[strings.LastIndex(at, "/")+1:]
		if slices.Contains(pagesOfTheirOwn, name) {
			return at
		}
		return parent + "/*"
	})
	path = ids.ReplaceAllString(path, "/*")
	var names []string
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 0 {
		path += "?" + strings.Join(names, "&")
	}
	return prefix + path
}
