package tagged

import (
	"bytes"
	"math"
	"strconv"
)

// Info is what a file says of itself.
type Info struct {
	Title, Author, Language string // a language tag such as en-GB
	Created                 string // as YYYY-MM-DD
}

// Document is a file being drawn.
type Document struct {
	info          Info
	width, height float64
	pages         []*page
	on            int // page drawn on
	fonts         []*Font
	blocks        []map[rune]bool // of letters, by font
	pictures      []*Picture
	elements      []element
	open          []int // elements from the root to the innermost
}

// page is a page's drawing.
type page struct {
	content bytes.Buffer
	marks   []int // element of each marked piece of content
	marked  int   // element that is being drawn; none; artifact
	fill    Colour
	filled  bool
}

const (
	none     = -1
	artifact = -2
)

// element is a node of the structure tree.
type element struct {
	role  Role
	alt   string
	scope string
	box   *[4]float64
	kids  []kid
}

// kid is an element, or a piece of content.
type kid struct{ element, page, mark int }

// Role is what an element is.
type Role string

// The roles that documents use.
const (
	Whole     Role = "Document"
	Section   Role = "Sect"
	Heading1  Role = "H1"
	Heading2  Role = "H2"
	Heading3  Role = "H3"
	Paragraph Role = "P"
	Table     Role = "Table"
	Row       Role = "TR"
	HeadCell  Role = "TH"
	Cell      Role = "TD"
	Figure    Role = "Figure"
)

// Colour is sRGB.
type Colour struct{ R, G, B uint8 }

// New begins a document of pages of one size.
func New(info Info, width, height float64, fonts ...*Font) *Document {
	d := &Document{info: info, width: width, height: height, fonts: fonts, elements: []element{{role: Whole}}, open: []int{0}, on: -1}
	for range fonts {
		d.blocks = append(d.blocks, map[rune]bool{0: true})
	}
	return d
}

// AddPage begins a page and draws on it.
func (d *Document) AddPage() {
	if d.on >= 0 {
		d.page().mark(none)
	}
	d.pages = append(d.pages, &page{marked: none})
	d.on = len(d.pages) - 1
}

// SetPage goes on drawing on a page, from 1.
func (d *Document) SetPage(n int) { d.page().mark(none); d.on = n - 1 }

// PageCount is the number of pages so far.
func (d *Document) PageCount() int { return len(d.pages) }

func (d *Document) page() *page { return d.pages[d.on] }

// Open begins an element within the one that is open.
func (d *Document) Open(role Role) { d.open = append(d.open, d.add(element{role: role})) }

// OpenHead begins a table's head cell, of a column or of a row.
func (d *Document) OpenHead(scope string) {
	d.open = append(d.open, d.add(element{role: HeadCell, scope: scope}))
}

// Close ends the innermost element.
func (d *Document) Close() {
	d.page().mark(none)
	d.open = d.open[:len(d.open)-1]
}

// In draws within an element.
func (d *Document) In(role Role, draw func()) {
	d.Open(role)
	draw()
	d.Close()
}

func (d *Document) add(e element) int {
	d.elements = append(d.elements, e)
	n, parent := len(d.elements)-1, d.open[len(d.open)-1]
	d.elements[parent].kids = append(d.elements[parent].kids, kid{element: n, page: -1})
	return n
}

// Text sets text with its left end at x, on the baseline y, in the open element.
func (d *Document) Text(x, y float64, font int, size float64, c Colour, text string) {
	if text == "" {
		return
	}
	if d.page().marked == d.open[len(d.open)-1] { // its next line: a word is not to run into the last one
		x, text = x-d.fonts[font].Width(size, " "), " "+text
	}
	d.begin()
	d.text(x, y, font, size, c, text)
}

// Decor sets text that says nothing new: a repeated head, a page's number.
func (d *Document) Decor(x, y float64, font int, size float64, c Colour, text string) {
	if text == "" {
		return
	}
	d.page().mark(artifact)
	d.text(x, y, font, size, c, text)
}

// begin marks what is drawn next as the open element's.
func (d *Document) begin() {
	p, e := d.page(), d.open[len(d.open)-1]
	if p.marked == e {
		return
	}
	p.mark(e)
	n := len(p.marks)
	p.marks = append(p.marks, e)
	d.elements[e].kids = append(d.elements[e].kids, kid{element: -1, page: d.on, mark: n})
	p.content.WriteString("/" + string(d.elements[e].role) + " <</MCID " + strconv.Itoa(n) + ">> BDC\n")
}

// mark ends what is marked and begins an artifact, if that is wanted.
func (p *page) mark(e int) {
	if p.marked == e {
		return
	}
	if p.marked != none {
		p.content.WriteString("EMC\n")
	}
	p.marked = e
	if e == artifact {
		p.content.WriteString("/Artifact BMC\n")
	}
}

func (d *Document) text(x, y float64, font int, size float64, c Colour, text string) {
	p := d.page()
	p.colour(c)
	b := p.content.AvailableBuffer()
	b = append(b, "BT /F"...)
	b = strconv.AppendInt(b, int64(font+1), 10)
	b = append(b, ' ')
	b = appendNumber(b, size)
	b = append(b, " Tf "...)
	b = appendNumber(b, x)
	b = append(b, ' ')
	b = appendNumber(b, d.height-y)
	b = append(b, " Td <"...)
	const hex = "0123456789ABCDEF"
	f := d.fonts[font]
	for _, r := range text {
		g := f.glyph(r)
		if block := r / 128; block != 0 {
			d.blocks[font][block] = true
		}
		b = append(b, hex[g>>12], hex[g>>8&15], hex[g>>4&15], hex[g&15])
	}
	b = append(b, "> Tj ET\n"...)
	p.content.Write(b)
}

func (p *page) colour(c Colour) {
	if p.filled && p.fill == c {
		return
	}
	p.fill, p.filled = c, true
	b := p.content.AvailableBuffer()
	for _, v := range [3]uint8{c.R, c.G, c.B} {
		b = append(appendNumber(b, float64(v)/255), ' ')
	}
	p.content.Write(append(b, "rg\n"...))
}

// Rect fills a rectangle; it is decoration.
func (d *Document) Rect(c Colour, x, y, width, height float64) {
	d.shape(c, func(b []byte) []byte {
		return append(d.numbers(b, x, d.height-y-height, width, height), "re f\n"...)
	})
}

// Rounded fills a rectangle with round corners; it is decoration.
func (d *Document) Rounded(c Colour, x, y, w, h, r float64) {
	const k = 0.5523 // of a circle by curves
	top, low := d.height-y, d.height-y-h
	d.shape(c, func(b []byte) []byte {
		b = append(d.numbers(b, x+r, top), "m\n"...)
		b = append(d.numbers(b, x+w-r, top), "l\n"...)
		b = append(d.numbers(b, x+w-r+k*r, top, x+w, top-r+k*r, x+w, top-r), "c\n"...)
		b = append(d.numbers(b, x+w, low+r), "l\n"...)
		b = append(d.numbers(b, x+w, low+r-k*r, x+w-r+k*r, low, x+w-r, low), "c\n"...)
		b = append(d.numbers(b, x+r, low), "l\n"...)
		b = append(d.numbers(b, x+r-k*r, low, x, low+r-k*r, x, low+r), "c\n"...)
		b = append(d.numbers(b, x, top-r), "l\n"...)
		return append(d.numbers(b, x, top-r+k*r, x+r-k*r, top, x+r, top), "c f\n"...)
	})
}

func (d *Document) shape(c Colour, path func([]byte) []byte) {
	p := d.page()
	p.mark(artifact)
	p.colour(c)
	p.content.Write(path(p.content.AvailableBuffer()))
}

// Squares fills squares of a grid, row by row, in a figure: a two-dimensional
// code. alt is what it says.
func (d *Document) Squares(c Colour, x, y, side float64, dark [][]bool, alt string) {
	box := [4]float64{x, d.height - y - side, x + side, d.height - y}
	d.figure(alt, box, func(p *page) {
		p.colour(c)
		unit := side / float64(len(dark))
		b := p.content.AvailableBuffer()
		for row := range dark {
			for from := 0; from < len(dark[row]); {
				to := from
				for to < len(dark[row]) && dark[row][to] {
					to++
				}
				if to > from { // neighbours as one, or hairlines show between them
					b = append(d.numbers(b, x+unit*float64(from), d.height-y-unit*float64(row+1), unit*float64(to-from), unit), "re\n"...)
				}
				from = to + 1
			}
		}
		p.content.Write(append(b, "f\n"...))
	})
}

// Image draws a picture in a figure; alt is what it shows.
func (d *Document) Image(picture *Picture, x, y, width, height float64, alt string) {
	no := -1
	for i, known := range d.pictures {
		if known == picture {
			no = i
		}
	}
	if no < 0 {
		d.pictures, no = append(d.pictures, picture), len(d.pictures)
	}
	d.figure(alt, [4]float64{x, d.height - y - height, x + width, d.height - y}, func(p *page) {
		b := append(p.content.AvailableBuffer(), "q "...)
		b = append(d.numbers(b, width, 0, 0, height, x, d.height-y-height), "cm /I"...)
		b = strconv.AppendInt(b, int64(no+1), 10)
		p.content.Write(append(b, " Do Q\n"...))
	})
}

func (d *Document) figure(alt string, box [4]float64, draw func(*page)) {
	d.open = append(d.open, d.add(element{role: Figure, alt: alt, box: &box}))
	d.begin()
	draw(d.page())
	d.Close()
}

func (d *Document) numbers(b []byte, list ...float64) []byte {
	for _, v := range list {
		b = append(appendNumber(b, v), ' ')
	}
	return b
}

// appendNumber writes a length to a hundredth of a point, without an exponent.
func appendNumber(b []byte, v float64) []byte {
	n := int64(math.Round(v * 1000))
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/1000, 10)
	if rest := n % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100))
		if rest %= 100; rest != 0 {
			b = append(b, byte('0'+rest/10))
			if rest %= 10; rest != 0 {
				b = append(b, byte('0'+rest))
			}
		}
	}
	return b
}

func number(v float64) string { return string(appendNumber(nil, v)) }
