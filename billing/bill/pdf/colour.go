package pdf

import (
	"strconv"

	"tollhouse/billing/bill/pdf/tagged"
)

// colour is sRGB.
type colour struct{ r, g, b uint8 }

var (
	ink      = colour{0x1a, 0x1d, 0x27}
	grey     = colour{0x5c, 0x62, 0x70}
	hairline = colour{0xd9, 0xdc, 0xe3}
	ground   = colour{0xf5, 0xf6, 0xf8}
)

// parseColour reads #rrggbb; anything else prints in ink.
func parseColour(text string) colour {
	if len(text) != 7 || text[0] != '#' {
		return ink
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return ink
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

// legible is the colour darkened until text in it can be read on white: a
// pale brand colour stays recognisable, and no bill is unreadable. The weights
// are Rec. 601 luma; 120 of 255 is about 4.5:1 on white.
func (c colour) legible() colour {
	for luma := c.luma(); luma > 120; luma = c.luma() {
		c = colour{shade(c.r), shade(c.g), shade(c.b)}
	}
	return c
}

func (c colour) luma() int { return (299*int(c.r) + 587*int(c.g) + 114*int(c.b)) / 1000 }

func shade(v uint8) uint8 { return uint8(int(v) * 9 / 10) }

// tint is the colour at so many per cent over white, for grounds.
func (c colour) tint(percent int) colour {
	mix := func(v uint8) uint8 { return uint8((int(v)*percent + 255*(100-percent)) / 100) }
	return colour{mix(c.r), mix(c.g), mix(c.b)}
}

// set is the colour as the file has it.
func (c colour) set() tagged.Colour { return tagged.Colour{R: c.r, G: c.g, B: c.b} }

func (s *sheet) fill(c colour, x, y, width, height float64) {
	s.Rect(c.set(), x, y, width, height)
}

func (s *sheet) panel(c colour, x, y, width, height float64) {
	s.Rounded(c.set(), x, y, width, height, 4)
}

// rule draws a horizontal line from x1 to x2.
func (s *sheet) rule(c colour, weight, x1, x2, y float64) {
	s.fill(c, x1, y-weight/2, x2-x1, weight)
}
