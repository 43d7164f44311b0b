package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/report/sheet"
	"tollhouse/portal/ui"
)

// Any table of the console can be had as a file: its page's address with
// export=csv or export=xlsx and the table's label. The page is drawn as it is
// shown, in plain figures and days, page after page where the list goes on, and
// what the table shows becomes rows. So there is no table without its file, a
// file holds what its reader may see and no more, and filters hold for both.

// exporting is a table on its way to a file.
type exporting struct {
	format sheet.Format
	label  string
	drawn  []byte // the page as it was drawn last
}

// Bounds of an export.
const (
	exportRows  = 200_000
	exportPages = 10_000
	exportTime  = 5 * time.Minute
)

// export answers with a table's file if the address asks for one.
func (v *Visit) export(handle func(*Visit) error) (done bool, err error) {
	r := v.echo.Request()
	format := sheet.Format(r.URL.Query().Get("export"))
	if r.Method != http.MethodGet || !format.Valid() {
		return false, nil
	}
	v.exporting = &exporting{format: format, label: r.URL.Query().Get("table")}
	v.Reader.Locale.Plain = true
	_ = http.NewResponseController(v.echo.Response()).SetWriteDeadline(v.site.Now().Add(exportTime)) // where there is no connection, nothing is lost
	var file *tableFile
	here := *r.URL
	for range exportPages {
		v.exporting.drawn = nil
		if err := handle(v); err != nil {
			return true, err
		}
		if v.exporting.drawn == nil {
			return v.echo.Response().Committed, nil // a file of its own, or led elsewhere
		}
		table, next := tableIn(v.exporting.drawn, v.exporting.label)
		if table == nil {
			break
		}
		if file == nil {
			if file, err = v.beginFile(table); err != nil {
				return true, err
			}
		}
		if err := file.add(table); err != nil {
			return true, err
		}
		if next == "" || file.rows >= exportRows {
			break
		}
		to, err := here.Parse(next)
		if err != nil {
			break
		}
		r.URL.RawQuery = to.RawQuery
	}
	if file == nil {
		return true, errNoTable
	}
	return true, file.Close()
}

var errNoTable = fmt.Errorf("export: the page shows no such table")

// tableFile writes tables of one kind, drawn page by page.
type tableFile struct {
	sheet.Writer
	currencies []string // of a column's first amount: it stands in its head
	skip       []bool   // columns of buttons
	rows       int
	zone       *time.Location
}

func (v *Visit) beginFile(table *drawnTable) (*tableFile, error) {
	f := &tableFile{zone: v.Profile.Zone, currencies: make([]string, len(table.heads)), skip: make([]bool, len(table.heads))}
	columns := make([]sheet.Column, 0, len(table.heads))
	digits := v.Profile.Currency.DocumentDigits()
	for i, head := range table.heads {
		f.skip[i] = table.acts[i] || strings.TrimSpace(head) == ""
		if f.skip[i] {
			continue
		}
		c := sheet.Column{Head: head}
		for _, row := range table.rows {
			if i < len(row) {
				if _, currency, is := amountIn(row[i].text); is && currency != "" {
					f.currencies[i], c.Head, c.Digits = currency, head+" ("+currency+")", digits
					break
				}
			}
		}
		columns = append(columns, c)
	}
	name := lastPart(v.echo.Request().URL.Path)
	if slug := safeName(strings.ToLower(v.exporting.label)); strings.Trim(slug, "-") != "" {
		name += "-" + slug
	}
	h := v.echo.Response().Header()
	h.Set("Content-Type", v.exporting.format.MediaType())
	h.Set("Content-Disposition", `attachment; filename="`+safeName(name)+"."+string(v.exporting.format)+`"`)
	var err error
	f.Writer, err = sheet.New(v.echo.Response(), v.exporting.format, v.exporting.label, columns)
	return f, err
}

func lastPart(path string) string {
	path = strings.Trim(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (f *tableFile) add(table *drawnTable) error {
	for _, row := range table.rows {
		cells := make([]sheet.Cell, 0, len(f.skip))
		for i := range f.skip {
			switch {
			case f.skip[i]:
			case i < len(row):
				cells = append(cells, f.cell(i, row[i]))
			default:
				cells = append(cells, nil)
			}
		}
		if err := f.Row(cells...); err != nil {
			return err
		}
		f.rows++
	}
	return nil
}

var (
	plainAmount = regexp.MustCompile(`^(-?[0-9]{1,30}(?:\.[0-9]{1,9})?)(?: ([A-Z]{3}))?$`)
	plainDay    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	leadingZero = regexp.MustCompile(`^0[0-9]`)
)

// amountIn reads a figure that was drawn plain. Digits that begin with a zero,
// or are as many as a number of a line or an account has, name something.
func amountIn(text string) (money.Decimal, string, bool) {
	found := plainAmount.FindStringSubmatch(text)
	if found == nil || leadingZero.MatchString(found[1]) {
		return money.Decimal{}, "", false
	}
	d, err := money.ParseDecimal(found[1])
	return d, found[2], err == nil
}

func (f *tableFile) cell(i int, c drawnCell) sheet.Cell {
	if plainDay.MatchString(c.text) {
		if day, err := calendar.ParseDate(c.text); err == nil {
			return day
		}
	}
	if at, err := time.ParseInLocation("2006-01-02 15:04:05", c.text, f.zone); err == nil {
		return at
	}
	if d, currency, is := amountIn(c.text); is && (c.figure || currency != "") && currency == f.currencies[i] {
		return d
	}
	return c.text
}

// drawnTable is a table as it was drawn.
type drawnTable struct {
	heads []string
	acts  []bool
	rows  [][]drawnCell
}

type drawnCell struct {
	text   string
	figure bool // right-aligned
}

// tableIn finds a table by its region's label and where the list goes on.
func tableIn(page []byte, label string) (table *drawnTable, next string) {
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil, ""
	}
	region := findNode(root, func(n *html.Node) bool {
		return n.Type == html.ElementNode && hasClass(n, "scroll") && attribute(n, "data-table") != "" && (label == "" || attribute(n, "data-table") == label)
	})
	if region == nil {
		return nil, ""
	}
	table = &drawnTable{}
	eachNode(region, func(n *html.Node) bool {
		if n.Type != html.ElementNode || n.Data != "tr" {
			return true
		}
		table.take(n)
		return false
	})
	if len(table.heads) == 0 {
		return nil, ""
	}
	for at := region.Parent; at != nil; at = at.Parent {
		if link := findNode(at, func(n *html.Node) bool {
			return n.Type == html.ElementNode && n.Data == "a" && attribute(n, "rel") == "next"
		}); link != nil {
			return table, attribute(link, "href")
		}
		if at.Type == html.ElementNode && (at.Data == "section" || at.Data == "main") {
			break
		}
	}
	return table, ""
}

// take reads a row: the heads if it stands in the table's head.
func (t *drawnTable) take(row *html.Node) {
	var cells []drawnCell
	var acts []bool
	for c := row.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode || c.Data != "td" && c.Data != "th" {
			continue
		}
		cells = append(cells, drawnCell{textOf(c), hasClass(c, "num")})
		acts = append(acts, c.FirstChild != nil && findNode(c, func(n *html.Node) bool {
			return n.Type == html.ElementNode && (n.Data == "span") && hasClass(n, "visually-hidden")
		}) != nil && row.Parent.Data == "thead")
	}
	if row.Parent != nil && row.Parent.Data == "thead" {
		if t.heads == nil {
			for _, c := range cells {
				t.heads = append(t.heads, c.text)
			}
			t.acts = acts
		}
		return
	}
	t.rows = append(t.rows, cells)
}

// textOf is what a cell says, without what it lets one do.
func textOf(n *html.Node) string {
	var out strings.Builder
	eachNode(n, func(n *html.Node) bool {
		switch {
		case n.Type == html.TextNode:
			out.WriteString(n.Data)
		case n.Type == html.ElementNode && (n.Data == "form" || n.Data == "button" || n.Data == "dialog" || n.Data == "svg" || attribute(n, "popover") != "" || hasKey(n, "popover")):
			return false
		case n.Type == html.ElementNode && (n.Data == "br" || n.Data == "p" || n.Data == "div" || n.Data == "li"):
			out.WriteString(" ")
		}
		return true
	})
	return strings.Join(strings.Fields(strings.ReplaceAll(out.String(), "\u2212", "-")), " ")
}

func eachNode(n *html.Node, visit func(*html.Node) bool) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if visit(c) {
			eachNode(c, visit)
		}
	}
}

func findNode(n *html.Node, is func(*html.Node) bool) (found *html.Node) {
	eachNode(n, func(c *html.Node) bool {
		if found == nil && is(c) {
			found = c
		}
		return found == nil
	})
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasKey(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func hasClass(n *html.Node, class string) bool {
	for c := range strings.FieldsSeq(attribute(n, "class")) {
		if c == class {
			return true
		}
	}
	return false
}

// exports is what tables need to lead to their files: the page's own address.
func (v *turn) exports() ui.Files {
	r := v.echo.Request()
	if v.door != consoleDoor || r.Method != http.MethodGet || v.here == nil { // an operator that is not here has no tables
		return ui.Files{}
	}
	q := r.URL.Query()
	for _, name := range []string{"export", "table", "before", "after", "done"} {
		q.Del(name)
	}
	return ui.Files{Path: v.here(r.URL.EscapedPath()), Query: q}
}

// Stream answers with a file that is written as it is made.
func (v *turn) Stream(name string, format sheet.Format, write func(to io.Writer) error) error {
	h := v.echo.Response().Header()
	h.Set("Content-Type", format.MediaType())
	h.Set("Content-Disposition", `attachment; filename="`+safeName(name)+"."+string(format)+`"`)
	_ = http.NewResponseController(v.echo.Response()).SetWriteDeadline(v.site.Now().Add(exportTime))
	return write(v.echo.Response())
}

// StreamFile answers with a file of a kind that is written as it is made.
func (v *turn) StreamFile(name, kind string, write func(to io.Writer) error) error {
	h := v.echo.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_ = http.NewResponseController(v.echo.Response()).SetWriteDeadline(v.site.Now().Add(exportTime))
	return write(v.echo.Response())
}
