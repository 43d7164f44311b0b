package notice

import (
	"bytes"
	"html/template"
	"strings"
)

// Look is how an operator's mails look.
type Look struct {
	Operator string
	Colour   string // #rrggbb
	Logo     string // address of its picture, such as cid:logo; empty: none
	Support  string
	Language string
}

// Tables and inline styles: what mail programs draw.
var page = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:0;background:#f3f4f6;font-family:Helvetica,Arial,sans-serif;color:#1f2430">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" style="width:100%;max-width:560px;background:#ffffff;border-radius:10px;border-top:4px solid {{.Colour}}">
<tr><td style="padding:24px 32px 0">{{if .Logo}}<img src="{{.Logo}}" alt="{{.Operator}}" height="40" style="height:40px;border:0">{{else}}<strong style="font-size:18px;color:{{.Colour}}">{{.Operator}}</strong>{{end}}</td></tr>
<tr><td style="padding:16px 32px 24px;font-size:16px;line-height:24px">
{{range .Parts}}{{if .Link}}<p style="margin:20px 0"><a href="{{.Link}}" style="display:inline-block;padding:12px 22px;border-radius:6px;background:{{$.Colour}};color:#ffffff;text-decoration:none;font-weight:bold">{{.Text}}</a></p>
<p style="margin:0 0 16px;font-size:13px;line-height:18px;color:#5b6270;word-break:break-all">{{.Link}}</p>
{{else}}<p style="margin:0 0 16px">{{range $i, $line := .Lines}}{{if $i}}<br>{{end}}{{$line}}{{end}}</p>
{{end}}{{end}}</td></tr></table>
{{if .Support}}<p style="margin:16px 0 0;font-size:13px;color:#5b6270">{{.Support}}</p>{{end}}
</td></tr></table></body></html>
`))

// part is a paragraph, or a link that stands alone as a button.
type part struct {
	Lines      []string
	Link, Text string
}

// HTML draws a mail's text in the operator's look: paragraphs, and a button
// where its link stands.
func HTML(m Message, look Look) (string, error) {
	var parts []part
	for _, paragraph := range strings.Split(strings.ReplaceAll(m.Body, "\r\n", "\n"), "\n\n") {
		p := part{}
		for _, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			if m.Link != "" && m.Kind != News && strings.TrimSpace(line) == m.Link {
				text := "→"
				if n := len(p.Lines); n > 0 {
					text = strings.TrimRight(p.Lines[n-1], ": ")
					p.Lines = p.Lines[:n-1]
				}
				if len(p.Lines) > 0 {
					parts = append(parts, p)
				}
				parts, p = append(parts, part{Link: m.Link, Text: text}), part{}
				continue
			}
			p.Lines = append(p.Lines, line)
		}
		if len(p.Lines) > 0 {
			parts = append(parts, p)
		}
	}
	if !colourForm(look.Colour) {
		look.Colour = "#3b4cca"
	}
	var out bytes.Buffer
	err := page.Execute(&out, struct {
		Look
		Subject string
		Colour  template.CSS
		Logo    template.URL
		Parts   []part
	}{look, m.Subject, template.CSS(look.Colour), template.URL(look.Logo), parts})
	return out.String(), err
}

// colourForm says whether a text is a colour and nothing else.
func colourForm(text string) bool {
	if len(text) != 7 || text[0] != '#' {
		return false
	}
	return strings.Trim(strings.ToLower(text[1:]), "0123456789abcdef") == ""
}
