package business

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
)

// A draft is edited as the document it is: every field of the form bears the
// path that the document's findings name, such as usage[2].rules[0].price. So
// what is wrong with the document is wrong with that very field.

// tree is a document while it is edited: maps, lists and texts. It may hold
// what is no offering yet.
type tree map[string]any

// treeOf is an offering as a document.
func treeOf(o catalog.Offering) (tree, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	t := tree{}
	return t, json.Unmarshal(text, &t)
}

// sortOfField says how a field's text becomes a value, by its name.
var sortOfField = map[string]string{
	"amount": "amount", "price": "amount", "connect_fee": "amount", "minimum": "amount", "cap": "amount",
	"event_price": "amount", "percent": "amount",
	"months": "count", "validity_months": "count", "priority": "count", "at_least": "count", "at_most": "count", "cycles": "count",
	"for": "list", "requires": "list", "excludes": "list", "optional": "bool",
	"destinations": "list", "prefixes": "list", "kinds": "list", "services": "list", "holidays": "list", "days": "list", "required_facts": "list",
	"included": "bool", "at_zero": "bool", "blocks": "bool", "on": "flag",
	"qualities": "list", "zones": "list", "dates": "list", "month_days": "counts", "factors": "factors",
	"fee": "amount", "share": "amount", "debt_limit": "amount", "organization": "amount", "interest": "amount", "periods": "count", "times": "count", "validity_days": "count",
}

// sortOf is text unless the name says otherwise. An allowance's amount is a
// quantity and no price.
func sortOf(path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	if name == "amount" && strings.HasPrefix(path, "allowances") {
		return "text"
	}
	switch {
	case path == "option.lasts.days":
		return "count"
	case strings.HasPrefix(path, "own_change."), strings.HasPrefix(path, "deposit.segment."):
		return "list"
	case name == "months" && strings.Contains(path, ".windows["):
		return "counts"
	case name == "on" && !strings.HasSuffix(path, ".shared.on"):
		return "text"
	}
	if sort := sortOfField[name]; sort != "" {
		return sort
	}
	return "text"
}

// treeFromForm reads a document from a form's fields. Fields that are not of
// the document are passed over.
func treeFromForm(fields url.Values, l locale.Locale) tree {
	t := tree{}
	for path, values := range fields {
		if strings.Contains(path, "~") {
			continue // the form's own, see keepRest
		}
		if !strings.ContainsAny(path, ".[") && !documentField(path) {
			continue
		}
		steps, ok := stepsOf(path)
		if !ok {
			continue
		}
		t.put(steps, valueOf(path, values, l))
	}
	t = tidy(map[string]any(t)).(map[string]any)
	t.keepRest(fields)
	t.keepWhole()
	if !t.has("services") {
		t["services"] = []any{} // required, and rightly empty for some kinds
	}
	if t.text("kind", l) == string(catalog.Simple) {
		delete(t, "kind") // what is not said
	}
	return t
}

// restMark ends the name of a field that carries what no other field shows.
const restMark = "~rest"

// keepRest puts back what the form did not show.
func (t tree) keepRest(fields url.Values) {
	for name, values := range fields {
		path, is := strings.CutSuffix(name, restMark)
		if !is || len(values) == 0 {
			continue
		}
		var left map[string]any
		if json.Unmarshal([]byte(values[0]), &left) != nil {
			continue // not ours
		}
		holder := map[string]any(t)
		if path != "" {
			known, is := t.at(path).(map[string]any)
			if !is {
				continue // the row is gone
			}
			holder = known
		}
		mergeRest(holder, left)
	}
}

func mergeRest(into, left map[string]any) {
	for name, value := range left {
		known, there := into[name]
		inner, isMap := known.(map[string]any)
		more, both := value.(map[string]any)
		switch {
		case !there:
			into[name] = value
		case isMap && both:
			mergeRest(inner, more)
		}
	}
}

func documentField(name string) bool {
	switch name {
	case "code", "kind", "specification", "billing", "services", "currency", "holidays", "required_facts", "calendar", "debt_limit":
		return true
	}
	return false
}

// maxRows bounds the rows that a form may name.
const maxRows = 2000

// stepsOf parts a path into names and indexes.
func stepsOf(path string) (steps []any, ok bool) {
	for name := range strings.SplitSeq(path, ".") {
		key, rest, _ := strings.Cut(name, "[")
		if key == "" {
			return nil, false
		}
		steps = append(steps, key)
		if rest != "" {
			index, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			if err != nil || index < 0 || index > maxRows {
				return nil, false
			}
			steps = append(steps, index)
		}
	}
	return steps, len(steps) <= 12
}

// put sets a value, making the maps and lists on the way to it. A value of nil
// makes only the way.
func (t tree) put(steps []any, value any) {
	var at any = map[string]any(t)
	for i, step := range steps {
		last := i == len(steps)-1
		next := func(known any) any {
			switch {
			case last:
				return value
			case known != nil:
				return known
			case isIndex(steps[i+1]):
				return &[]any{}
			}
			return map[string]any{}
		}
		switch place := at.(type) {
		case map[string]any:
			name, ok := step.(string)
			if !ok || last && value == nil {
				return
			}
			place[name] = next(place[name])
			at = place[name]
		case *[]any:
			index, ok := step.(int)
			if !ok {
				return
			}
			for len(*place) <= index {
				*place = append(*place, nil)
			}
			(*place)[index] = next((*place)[index])
			at = (*place)[index]
		case []any: // rows that are there already
			index, ok := step.(int)
			if !ok || index >= len(place) {
				return
			}
			place[index] = next(place[index])
			at = place[index]
		default:
			return
		}
	}
}

func isIndex(step any) bool { _, is := step.(int); return is }

// tidy drops what is empty: rows that are not there any more, and parts that
// nobody filled in. Rows stay even when they are empty.
func tidy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			inner = tidy(inner)
			if m, is := inner.(map[string]any); is && len(m) == 0 {
				delete(v, name)
				continue
			}
			v[name] = inner
		}
	case *[]any:
		kept := []any{}
		for _, inner := range *v {
			if inner != nil {
				kept = append(kept, tidy(inner))
			}
		}
		return kept
	}
	return value
}

// valueOf is what a field's text means; nil where it is empty. What cannot be
// read stays as it was typed: the document's own check says what is right.
func valueOf(path string, values []string, l locale.Locale) any {
	text := strings.TrimSpace(strings.Join(values, "\n"))
	sort := sortOf(path)
	switch {
	case text == "":
		return nil
	case sort == "amount":
		return plainNumber(text, l)
	case sort == "count":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case sort == "bool", sort == "flag":
		return text == "true"
	case sort == "factors":
		return factorsOf(text)
	case sort == "counts":
		list := []any{}
		for _, item := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\n\r\t", r) }) {
			if n, err := strconv.Atoi(item); err == nil {
				list = append(list, n)
			} else {
				list = append(list, item)
			}
		}
		return list
	case sort == "list":
		list := []any{}
		for _, item := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\n\r\t", r) }) {
			list = append(list, item)
		}
		return list
	}
	return text
}

// plainNumber reads a number in either notation: a mark that stands once is the
// decimal one, unless just three digits follow and the reader's decimal mark is
// the other.
func plainNumber(typed string, l locale.Locale) string {
	plain := strings.NewReplacer(" ", "", nbsp, "", "\u202f", "", "'", "").Replace(typed)
	dot, comma := strings.Count(plain, "."), strings.Count(plain, ",")
	readers := strings.Trim(l.FormatNumber(money.DecimalOf(15, 1)), "15")
	mark := ""
	switch {
	case dot+comma == 0:
	case dot > 0 && comma > 0:
		mark = plain[strings.LastIndexAny(plain, ".,"):][:1]
	case dot+comma == 1:
		at := strings.IndexAny(plain, ".,")
		if one := plain[at : at+1]; len(plain)-at-1 != 3 || one == readers || plain[:at] == "0" {
			mark = one
		}
	}
	for _, other := range []string{".", ","} {
		if other != mark {
			plain = strings.ReplaceAll(plain, other, "")
		}
	}
	return strings.Replace(plain, ",", ".", 1)
}

// at finds the value of a path; nil if there is none.
func (t tree) at(path string) any {
	steps, ok := stepsOf(path)
	if !ok {
		return nil
	}
	var at any = map[string]any(t)
	for _, step := range steps {
		switch place := at.(type) {
		case map[string]any:
			name, _ := step.(string)
			at = place[name]
		case []any:
			index, is := step.(int)
			if !is || index >= len(place) {
				return nil
			}
			at = place[index]
		default:
			return nil
		}
	}
	return at
}

// rows is how many rows a list has.
func (t tree) rows(path string) int {
	list, _ := t.at(path).([]any)
	return len(list)
}

// has says whether anything stands at a path.
func (t tree) has(path string) bool { return t.at(path) != nil }

// list is a list of texts.
func (t tree) list(path string) []string {
	list, _ := t.at(path).([]any)
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = fmt.Sprint(item)
	}
	return texts
}

// text is a value as a field shows it: numbers in the reader's notation.
func (t tree) text(path string, l locale.Locale) string {
	if parent, is := strings.CutSuffix(path, ".cap.amount"); is {
		if _, whole := t.at(parent + ".cap").(map[string]any); !whole {
			path = parent + ".cap"
		}
	}
	if parent, is := strings.CutSuffix(path, ".shared.on"); is {
		return map[bool]string{true: "true"}[t.has(parent+".shared")]
	}
	switch v := t.at(path).(type) {
	case nil:
		return ""
	case map[string]any:
		return factorsText(v)
	case []any:
		return strings.Join(t.list(path), ", ")
	case string:
		if sortOf(path) == "amount" {
			if d, err := money.ParseDecimal(v); err == nil {
				return strings.ReplaceAll(l.FormatNumber(d), nbsp, "")
			}
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// insert adds an empty row at a list's end, or a part of a map.
func (t tree) insert(path string) (row string) {
	list, _ := t.at(path).([]any)
	row = fmt.Sprintf("%s[%d]", path, len(list))
	t.set(path, append(list, map[string]any{}))
	return row
}

// remove takes a row away.
func (t tree) remove(path string) {
	open := strings.LastIndex(path, "[")
	if open < 0 {
		return
	}
	index, err := strconv.Atoi(strings.TrimSuffix(path[open+1:], "]"))
	list, _ := t.at(path[:open]).([]any)
	if err != nil || index < 0 || index >= len(list) {
		return
	}
	rest := append(append([]any{}, list[:index]...), list[index+1:]...)
	t.set(path[:open], rest)
}

// set puts a list where its path says; the way there has to be there, but for
// the last two names. An empty list is taken away.
func (t tree) set(path string, list []any) {
	parent, name := "", path
	if dot := strings.LastIndex(path, "."); dot >= 0 {
		parent, name = path[:dot], path[dot+1:]
	}
	holder := map[string]any(t)
	if parent != "" {
		known, ok := t.at(parent).(map[string]any)
		if !ok {
			known = map[string]any{}
			steps, ok := stepsOf(parent)
			if !ok {
				return
			}
			t.put(steps, known)
		}
		holder = known
	}
	if len(list) == 0 {
		delete(holder, name)
		return
	}
	holder[name] = list
}

// offering reads the document as the catalog does.
func (t tree) offering() (catalog.Offering, error) {
	text, err := json.Marshal(map[string]any(t))
	if err != nil {
		return catalog.Offering{}, err
	}
	return catalog.Parse(text)
}
