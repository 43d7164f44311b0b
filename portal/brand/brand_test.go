package brand

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
)

func contrastOf(t *testing.T, a, b string) float64 {
	t.Helper()
	x, err := parse(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return contrast(x, y)
}

func TestDerive_textCanBeRead(t *testing.T) {
	t.Parallel()
	colours := []string{"#000000", "#ffffff", "#ffff00", "#808080", "#0b6b5d", "#1d4f91", "#ff0000", "#00ff00", "#0000ff", "#3b4cca", "#e2007a"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		colours = append(colours, fmt.Sprintf("#%06x", random.IntN(1<<24)))
	}
	for _, colour := range colours {
		l, d, err := Derive(colour)
		if err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2]string{
			"text on the card": {l.Brand, "#ffffff"}, "text on the page": {l.Brand, "#f5f6f8"}, "text on soft": {l.Brand, l.Soft}, "text on the brand": {l.OnBrand, l.Brand},
			"dark text on the card": {d.Brand, "#161b22"}, "dark text on the page": {d.Brand, "#0e1217"}, "dark text on soft": {d.Brand, d.Soft}, "dark text on the brand": {d.OnBrand, d.Brand},
		} {
			if got := contrastOf(t, pair[0], pair[1]); got < readable {
				t.Errorf("%s: %s %v is %.2f", colour, name, pair, got)
			}
		}
	}
}

func TestDerive_keepsAColourThatIsReadable(t *testing.T) {
	t.Parallel()
	l, d, err := Derive("#0b6b5d")
	if err != nil {
		t.Fatal(err)
	}
	if l.Brand != "#0b6b5d" {
		t.Errorf("light brand is %s", l.Brand)
	}
	if d.Brand == l.Brand {
		t.Errorf("dark brand is the light one, %s", d.Brand)
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "red", "#fff", "#gggggg", "0b6b5d0"} {
		if _, err := Sheet(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// The design layer and the derivation must stand on the same grounds, and the
// two dark blocks of the layer must say the same.
func TestDesignLayer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../static/tollhouse.css")
	if err != nil {
		t.Fatal(err)
	}
	css := string(text)
	followed := block(t, css, `:root:not([data-bs-theme="light"]) {`)
	chosen := block(t, css, `:root[data-bs-theme="dark"] {`)
	if followed != chosen {
		t.Errorf("the dark blocks differ:\n%s\n%s", followed, chosen)
	}
	for where, want := range map[string][]string{block(t, css, ":root {"): light.grounds, chosen: dark.grounds} {
		for _, ground := range want {
			if !strings.Contains(where, ground) {
				t.Errorf("%s is no ground in tollhouse.css", ground)
			}
		}
	}
}

var spaces = regexp.MustCompile(`\s+`)

func block(t *testing.T, css, selector string) string {
	t.Helper()
	_, rest, found := strings.Cut(css, selector)
	body, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		t.Fatalf("no block %s", selector)
	}
	return spaces.ReplaceAllString(body, " ")
}
