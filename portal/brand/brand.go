package brand

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
)

// Colours are an operator's, for one theme.
type Colours struct{ Brand, OnBrand, Soft, Line string }

// theme is what a derivation stands on: the grounds on which text in the
// brand's colour appears, and the lightness of its relatives.
type theme struct {
	grounds        []string
	startLightness func(l float64) float64
	step           float64 // which way lightness moves until text can be read
	on, soft, line oklch   // lightness, and the most chroma; the hue is the brand's
}

// The grounds are --surface and --bg of tollhouse.css; a test compares them.
var (
	light = theme{
		grounds: []string{"#ffffff", "#f5f6f8"}, step: -0.005,
		startLightness: func(l float64) float64 { return math.Min(l, 0.60) },
		on:             oklch{l: 1}, soft: oklch{l: 0.955, c: 0.022}, line: oklch{l: 0.845, c: 0.06},
	}
	dark = theme{
		grounds: []string{"#161b22", "#0e1217"}, step: 0.005,
		startLightness: func(l float64) float64 { return math.Max(l, 0.75) },
		on:             oklch{l: 0.22, c: 0.06}, soft: oklch{l: 0.29, c: 0.045}, line: oklch{l: 0.43, c: 0.07},
	}
)

// readable is the contrast that text needs (WCAG 2.2, 1.4.3).
const readable = 4.5

// derive moves the lightness until text in the colour can be read on every
// ground, and text on the colour as well.
func (t theme) derive(chosen oklch) Colours {
	relative := func(of oklch) rgb { return oklch{of.l, math.Min(of.c, chosen.c), chosen.h}.rgb() }
	on, soft, line := relative(t.on), relative(t.soft), relative(t.line)
	against := []rgb{on, soft}
	for _, ground := range t.grounds {
		c, _ := parse(ground) // constants, tested
		against = append(against, c)
	}
	chosen.l = t.startLightness(chosen.l)
	for chosen.l > 0 && chosen.l < 1 && !allReadable(chosen.rgb(), against) {
		chosen.l += t.step
	}
	return Colours{chosen.rgb().String(), on.String(), soft.String(), line.String()}
}

func allReadable(c rgb, against []rgb) bool {
	for _, ground := range against {
		if contrast(c, ground) < readable {
			return false
		}
	}
	return true
}

// Derive gives the colours of both themes for one such as #0b6b5d.
func Derive(colour string) (lightColours, darkColours Colours, err error) {
	chosen, err := parse(colour)
	if err != nil {
		return Colours{}, Colours{}, err
	}
	return light.derive(chosen.oklch()), dark.derive(chosen.oklch()), nil
}

// Sheet is the style sheet of a colour. It is loaded after tollhouse.css,
// whose selectors for the dark theme it repeats, so that it wins over them.
func Sheet(colour string) (string, error) {
	l, d, err := Derive(colour)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(":root{%s}\n@media (prefers-color-scheme:dark){:root:not([data-bs-theme=\"light\"]){%s}}\n:root[data-bs-theme=\"dark\"]{%s}\n",
		l, d, d), nil
}

func (c Colours) String() string {
	return fmt.Sprintf("--brand:%s;--on-brand:%s;--brand-soft:%s;--brand-line:%s", c.Brand, c.OnBrand, c.Soft, c.Line)
}

// File names the style sheet by colour and content: "0b6b5d/brand.<hash>.css".
func File(colour string) (string, error) {
	sheet, err := Sheet(colour)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(sheet))
	return colour[1:] + "/brand." + hex.EncodeToString(sum[:8]) + ".css", nil
}
