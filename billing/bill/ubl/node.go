package ubl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is an XML element: with text, or with elements within.
type node struct {
	name  string // with its prefix, such as cbc:ID
	attrs []attr
	text  string
	kids  []*node
}

type attr struct{ name, value string }

// leaf is an element with text; one without text is left out by add.
func leaf(name, text string, attrs ...attr) *node { return &node{name: name, text: text, attrs: attrs} }

// branch is an element with others within; without any it is left out.
func branch(name string, kids ...*node) *node {
	n := &node{name: name}
	n.add(kids...)
	return n
}

func (n *node) add(kids ...*node) {
	for _, k := range kids {
		if k != nil && (k.text != "" || len(k.kids) > 0) {
			n.kids = append(n.kids, k)
		}
	}
}

var namespaces = map[string]string{
	"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
	"cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}

const rootSpace = "urn:oasis:names:specification:ubl:schema:xsd:"

func (n *node) write(out *bytes.Buffer) {
	out.WriteString(xml.Header)
	n.writeAt(out, 0)
}

func (n *node) writeAt(out *bytes.Buffer, depth int) {
	indent := strings.Repeat("  ", depth)
	out.WriteString(indent + "<" + n.name)
	if depth == 0 {
		fmt.Fprintf(out, ` xmlns="%s%s-2" xmlns:cac="%s" xmlns:cbc="%s"`, rootSpace, n.name, namespaces["cac"], namespaces["cbc"])
	}
	for _, a := range n.attrs {
		out.WriteString(" " + a.name + `="`)
		escape(out, a.value)
		out.WriteString(`"`)
	}
	out.WriteString(">")
	if len(n.kids) > 0 {
		out.WriteString("\n")
		for _, k := range n.kids {
			k.writeAt(out, depth+1)
		}
		out.WriteString(indent)
	} else {
		escape(out, n.text)
	}
	out.WriteString("</" + n.name + ">\n")
}

func escape(out *bytes.Buffer, text string) {
	if err := xml.EscapeText(out, []byte(text)); err != nil {
		panic(err) // memory does not fail to be written
	}
}

// errXML is returned for what is no invoice at all.
var errXML = errors.New("not a UBL invoice or credit note")

// parse reads an invoice back.
func parse(file []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(file))
	var open []*node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errXML
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{name: prefixed(t.Name)}
			for _, a := range t.Attr {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					n.attrs = append(n.attrs, attr{a.Name.Local, a.Value})
				}
			}
			if len(open) > 0 {
				up := open[len(open)-1]
				up.kids = append(up.kids, n)
			}
			open = append(open, n)
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		case xml.EndElement:
			n := open[len(open)-1]
			n.text = strings.TrimSpace(n.text)
			if open = open[:len(open)-1]; len(open) == 0 {
				return n, nil
			}
		}
	}
}

func prefixed(n xml.Name) string {
	for prefix, space := range namespaces {
		if n.Space == space {
			return prefix + ":" + n.Local
		}
	}
	return n.Local
}

// all are the elements at a path below; names are parted by slashes, without
// prefixes.
func (n *node) all(path string) []*node {
	list := []*node{n}
	for name := range strings.SplitSeq(path, "/") {
		var next []*node
		for _, at := range list {
			for _, k := range at.kids {
				if local(k.name) == name {
					next = append(next, k)
				}
			}
		}
		list = next
	}
	return list
}

// get is the text of the first element at a path; empty if there is none.
func (n *node) get(path string) string {
	if list := n.all(path); len(list) > 0 {
		return list[0].text
	}
	return ""
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

func local(name string) string {
	_, after, found := strings.Cut(name, ":")
	if !found {
		return name
	}
	return after
}
