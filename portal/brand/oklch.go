package brand

import (
	"fmt"
	"math"
	"strconv"
)

// rgb is a colour in linear light, each part from 0 to 1.
type rgb struct{ r, g, b float64 }

// oklch is a colour as people see it: lightness 0 to 1, chroma, hue in radians
// (Björn Ottosson, "A perceptual color space for image processing", 2020).
type oklch struct{ l, c, h float64 }

// parse reads #rrggbb, in lower case as account keeps it.
func parse(text string) (rgb, error) {
	if len(text) != 7 || text[0] != '#' {
		return rgb{}, fmt.Errorf("%.20q is no colour such as #0b6b5d", text)
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return rgb{}, fmt.Errorf("%.20q is no colour such as #0b6b5d", text)
	}
	return rgb{linear(n >> 16 & 255), linear(n >> 8 & 255), linear(n & 255)}, nil
}

// linear and stored are the two ways of the sRGB transfer curve (IEC 61966-2-1).
func linear(part uint64) float64 {
	v := float64(part) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func stored(v float64) int {
	v = math.Min(math.Max(v, 0), 1)
	if v <= 0.0031308 {
		return int(math.Round(v * 12.92 * 255))
	}
	return int(math.Round((1.055*math.Pow(v, 1/2.4) - 0.055) * 255))
}

func (c rgb) String() string {
	return fmt.Sprintf("#%02x%02x%02x", stored(c.r), stored(c.g), stored(c.b))
}

// shown is the colour as eight bits a part hold it: what a screen gets.
func (c rgb) shown() rgb {
	return rgb{linear(uint64(stored(c.r))), linear(uint64(stored(c.g))), linear(uint64(stored(c.b)))}
}

func (c rgb) oklch() oklch {
	l := math.Cbrt(0.4122214708*c.r + 0.5363325363*c.g + 0.0514459929*c.b)
	m := math.Cbrt(0.2119034982*c.r + 0.6806995451*c.g + 0.1073969566*c.b)
	s := math.Cbrt(0.0883024619*c.r + 0.2817188376*c.g + 0.6299787005*c.b)
	a := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	b := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return oklch{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, math.Hypot(a, b), math.Atan2(b, a)}
}

// rgb gives the nearest colour that a screen has, by lowering chroma.
func (c oklch) rgb() rgb {
	for {
		out := c.unbounded()
		const near = 0.0005
		if c.c <= 0 || inside(out.r, near) && inside(out.g, near) && inside(out.b, near) {
			return out.shown()
		}
		c.c = math.Max(c.c-0.002, 0)
	}
}

func inside(v, near float64) bool { return v >= -near && v <= 1+near }

func (c oklch) unbounded() rgb {
	a, b := c.c*math.Cos(c.h), c.c*math.Sin(c.h)
	l := cube(c.l + 0.3963377774*a + 0.2158037573*b)
	m := cube(c.l - 0.1055613458*a - 0.0638541728*b)
	s := cube(c.l - 0.0894841775*a - 1.2914855480*b)
	return rgb{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
}

func cube(v float64) float64 { return v * v * v }

// contrast is that of WCAG 2.2: 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func (c rgb) luminance() float64 { return 0.2126*c.r + 0.7152*c.g + 0.0722*c.b }
