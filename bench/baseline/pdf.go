package baseline

import (
	"io"

	"codeberg.org/go-pdf/fpdf"
)

// Text is a piece of text at its place on an A4 page, in points.
type Text struct {
	X, Y, Size float64
	Strong     bool
	Text       string
}

// DrawText draws bare text with the usual library and embedded fonts: no tags,
// no panels, no code to pay.
func DrawText(w io.Writer, regular, strong []byte, texts []Text) error {
	f := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", SizeStr: "A4", OrientationStr: "P"})
	f.AddUTF8FontFromBytes("text", "", regular)
	f.AddUTF8FontFromBytes("text", "B", strong)
	f.AddPage()
	for _, t := range texts {
		weight := ""
		if t.Strong {
			weight = "B"
		}
		f.SetFont("text", weight, t.Size)
		f.Text(t.X, t.Y, t.Text)
	}
	return f.Output(w)
}
