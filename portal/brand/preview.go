package brand

// Preview is what a colour comes to in one theme, with the contrasts that
// people will read it at (WCAG 2.2: 1 to 21, text needs 4.5).
type Preview struct {
	Theme  string // light or dark
	Ground string // of the card that it is shown on
	Colours
	OnButton, OnGround, OnSoft float64
}

// Previews derives both themes of a colour such as #0b6b5d.
func Previews(colour string) ([]Preview, error) {
	l, d, err := Derive(colour)
	if err != nil {
		return nil, err
	}
	return []Preview{light.preview("light", l), dark.preview("dark", d)}, nil
}

func (t theme) preview(name string, c Colours) Preview {
	return Preview{Theme: name, Ground: t.grounds[0], Colours: c,
		OnButton: between(c.OnBrand, c.Brand), OnGround: between(c.Brand, t.grounds[0]), OnSoft: between(c.Brand, c.Soft)}
}

// between is the contrast of two colours that were derived here.
func between(a, b string) float64 {
	x, _ := parse(a)
	y, _ := parse(b)
	return contrast(x, y)
}
