package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/money"
	"tollhouse/billing/report/sheet"
)

// Every list can be had as a file: the same address with Accept: text/csv, or
// XLSX's media type. The operation is asked page after page, and what its items
// hold becomes rows, so that a file has what the list has, and its reader may
// see, and no more.

// listColumn is a field of a list's items, by its path in them.
type listColumn struct {
	path   []string
	number bool
}

// deepest is how far fields of fields become columns; what lies deeper is one
// column of JSON.
const deepest = 3

// listColumns are the columns of an operation's list, as its document declares
// its items; none where it answers with no list.
func listColumns(declared *openapi3.Operation) []listColumn {
	answer := declared.Responses.Status(http.StatusOK)
	if answer == nil || answer.Value == nil || answer.Value.Content["application/json"] == nil {
		return nil
	}
	schema := answer.Value.Content["application/json"].Schema
	if schema == nil || schema.Value == nil {
		return nil
	}
	items := schema.Value.Properties["items"]
	if items == nil || items.Value == nil || items.Value.Items == nil || items.Value.Items.Value == nil {
		return nil
	}
	of := items.Value.Items.Value
	if len(of.Properties) == 0 {
		return []listColumn{{}}
	}
	return columnsOf(of, nil)
}

// columnsOf are the required fields in the document's order, then the others by name.
func columnsOf(schema *openapi3.Schema, within []string) (columns []listColumn) {
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		if !slices.Contains(schema.Required, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range append(slices.Clone(schema.Required), names...) {
		field := schema.Properties[name]
		if field == nil || field.Value == nil {
			continue
		}
		path := append(slices.Clone(within), name)
		if len(field.Value.Properties) > 0 && len(path) < deepest {
			columns = append(columns, columnsOf(field.Value, path)...)
			continue
		}
		number := strings.HasSuffix(field.Ref, "/Decimal") || field.Value.Type.Is("integer") || field.Value.Type.Is("number")
		columns = append(columns, listColumn{path, number})
	}
	return columns
}

// listFormat is the file that the caller wants of a list; empty: JSON.
func (c *call) listFormat() sheet.Format {
	if len(c.op.list) == 0 {
		return ""
	}
	for part := range strings.SplitSeq(c.accept, ",") {
		kind, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch strings.ToLower(kind) {
		case "application/json", "*/*":
			return ""
		case "text/csv":
			return sheet.CSV
		case sheet.XLSX.MediaType():
			return sheet.XLSX
		}
	}
	return ""
}

// listPage is a page of a list on its way to a file.
type listPage struct {
	head   http.Header
	body   bytes.Buffer
	status int
}

func (p *listPage) Header() http.Header              { return p.head }
func (p *listPage) Write(text []byte) (int, error)   { return p.body.Write(text) }
func (p *listPage) WriteHeader(status int)           { p.status = status }
func (p *listPage) SetWriteDeadline(time.Time) error { return nil }

// Bounds of a file.
const (
	largestPage = "100"
	mostPages   = 10_000
)

// sendList asks for page after page and writes them as one file. What is
// refused is answered as if a page had been asked for.
func (*Server) sendList(e echo.Context, c *call, format sheet.Format, next echo.HandlerFunc) (err error) {
	answer := e.Response()
	defer e.SetResponse(answer)
	q := e.QueryParams() // the very values that the operation reads
	if q.Get("limit") == "" && c.op.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, "limit") != nil {
		q.Set("limit", largestPage)
	}
	var file sheet.Writer
	defer func() {
		if err != nil && file != nil {
			err = nil
			panic(http.ErrAbortHandler) // what was sent must not pass for the whole
		}
	}()
	for range mostPages {
		page := &listPage{head: http.Header{}}
		e.SetResponse(echo.NewResponse(page, e.Echo()))
		if err := next(e); err != nil {
			return err
		}
		var list struct {
			Items []any   `json:"items"`
			Next  *string `json:"next"`
		}
		text := json.NewDecoder(&page.body)
		text.UseNumber()
		if err := text.Decode(&list); err != nil {
			return fmt.Errorf("list of %s: %w", c.op.id, err)
		}
		if file == nil {
			if file, err = beginList(answer, c.op, format); err != nil {
				return err
			}
		}
		for _, item := range list.Items {
			if err := file.Row(cellsOf(item, c.op.list)...); err != nil {
				return err
			}
		}
		if list.Next == nil || *list.Next == "" {
			break
		}
		if *list.Next == q.Get("cursor") {
			return fmt.Errorf("list of %s: a page leads to itself", c.op.id)
		}
		q.Set("cursor", *list.Next)
	}
	return file.Close()
}

func beginList(answer *echo.Response, op *operation, format sheet.Format) (sheet.Writer, error) {
	name := strings.ToLower(strings.TrimPrefix(op.id, "list"))
	answer.Header().Set(echo.HeaderContentType, format.MediaType())
	answer.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+"."+string(format)+`"`)
	answer.Header().Set(echo.HeaderVary, echo.HeaderAccept)
	columns := make([]sheet.Column, len(op.list))
	for i, c := range op.list {
		columns[i].Head = strings.Join(c.path, ".")
	}
	if len(columns) == 1 && columns[0].Head == "" {
		columns[0].Head = "item"
	}
	return sheet.New(answer, format, name, columns)
}

// cellsOf are an item's fields in the columns' order.
func cellsOf(item any, columns []listColumn) []sheet.Cell {
	cells := make([]sheet.Cell, len(columns))
	for i, c := range columns {
		value := item
		for _, name := range c.path {
			fields, is := value.(map[string]any)
			if !is {
				value = nil
				break
			}
			value = fields[name]
		}
		cells[i] = cellOf(value, c.number)
	}
	return cells
}

func cellOf(value any, number bool) sheet.Cell {
	switch v := value.(type) {
	case nil:
		return nil
	case json.Number:
		return numberCell(v.String(), true)
	case string:
		return numberCell(v, number)
	case bool:
		return fmt.Sprint(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil // it came out of JSON
	}
	return string(text)
}

func numberCell(text string, number bool) sheet.Cell {
	if number {
		if d, err := money.ParseDecimal(text); err == nil {
			return d
		}
	}
	return text
}
