package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"

	"tollhouse/api/problem"
)

// formats are the formats that the validator does not know by itself.
var formats = []openapi3.SchemaValidationOption{
	openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(text string) error {
		if len(text) != len(uuid.Nil.String()) {
			return errors.New("is no UUID")
		}
		return uuid.Validate(text)
	})),
}

// maxFaults bounds how many fields one answer names.
const maxFaults = 50

// faultsOf names each field that the validator refused. It never repeats a
// value: it may be a password.
func faultsOf(err error) []problem.Fault {
	faults := collect(err, "")
	slices.SortStableFunc(faults, func(a, b problem.Fault) int { return strings.Compare(a.Field, b.Field) })
	faults = slices.Compact(faults)
	return faults[:min(len(faults), maxFaults)]
}

func collect(err error, field string) []problem.Fault {
	switch e := err.(type) { //nolint:errorlint // each layer is looked at by itself; errors.As would pass over one
	case openapi3.MultiError:
		var faults []problem.Fault
		for _, inner := range e {
			faults = append(faults, collect(inner, field)...)
		}
		return faults
	case *openapi3filter.RequestError:
		return ofRequest(e)
	case *openapi3.SchemaError:
		return ofSchema(e, field)
	}
	return []problem.Fault{{Field: orBody(field), Reason: "cannot be read", Want: "a value as the API document describes"}}
}

func ofRequest(e *openapi3filter.RequestError) []problem.Fault {
	field, want := "", "a body as the API document describes"
	if e.Parameter != nil {
		field = e.Parameter.Name
		want = wanted(e.Parameter.Schema.Value)
		if e.Parameter.Description != "" {
			want = described(e.Parameter.Description, e.Parameter.Schema.Value)
		}
	}
	var parse *openapi3filter.ParseError
	switch {
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		return []problem.Fault{{Field: orBody(field), Reason: "is missing", Want: want}}
	case errors.Is(e.Err, openapi3filter.ErrInvalidEmptyValue):
		return []problem.Fault{{Field: orBody(field), Reason: "is empty", Want: want}}
	case errors.As(e.Err, &parse):
		return []problem.Fault{{Field: orBody(field), Reason: "cannot be read", Want: want}}
	case e.Err == nil && e.RequestBody != nil:
		return []problem.Fault{{Field: "Content-Type", Reason: "is not taken here", Want: mediaTypes(e.RequestBody)}}
	}
	return collect(e.Err, field)
}

func mediaTypes(body *openapi3.RequestBody) string {
	var types []string
	for name := range body.Content {
		types = append(types, name)
	}
	slices.Sort(types)
	return strings.Join(types, " or ")
}

func ofSchema(e *openapi3.SchemaError, field string) []problem.Fault {
	path := fieldPath(field, e.JSONPointer())
	switch {
	case e.SchemaField == "required":
		name := e.JSONPointer()
		property := e.Schema.Properties[name[len(name)-1]]
		if property == nil {
			return []problem.Fault{{Field: path, Reason: "is missing", Want: "a value"}}
		}
		return []problem.Fault{{Field: path, Reason: "is missing", Want: wanted(property.Value)}}
	case strings.HasSuffix(e.Reason, "is unsupported"):
		return []problem.Fault{{Field: fieldPath(path, []string{unsupported(e.Reason)}), Reason: "is not a field of this request", Want: "only documented fields"}}
	}
	return []problem.Fault{{Field: orBody(path), Reason: reason(e.SchemaField), Want: wanted(e.Schema)}}
}

// unsupported takes the field's name out of the validator's sentence, which is
// the one place where it stands.
func unsupported(reason string) string {
	const longest = 100
	quoted := strings.TrimSuffix(strings.TrimPrefix(reason, "property "), " is unsupported")
	name, err := strconv.Unquote(quoted)
	if err != nil || len(name) > longest {
		return "body"
	}
	return name
}

// reason says in words which rule of the schema was broken.
func reason(rule string) string {
	switch rule {
	case "type":
		return "is of another type"
	case "enum":
		return "is not one of the values"
	case "minLength", "minItems", "minimum", "minProperties":
		return "is too small"
	case "maxLength", "maxItems", "maximum", "maxProperties":
		return "is too large"
	default:
		return "has another form"
	}
}

// fieldPath writes a JSON pointer as people do: tax_rates[1].percent.
func fieldPath(base string, pointer []string) string {
	path := base
	for _, step := range pointer {
		if _, err := strconv.Atoi(step); err == nil && path != "" {
			path += "[" + step + "]"
			continue
		}
		if path != "" {
			path += "."
		}
		path += step
	}
	return path
}

func orBody(field string) string {
	if field == "" {
		return "body"
	}
	return field
}

// wanted says what a schema asks for.
func wanted(schema *openapi3.Schema) string {
	switch {
	case schema == nil:
		return "a value"
	case len(schema.Enum) > 0:
		return "one of " + listed(schema.Enum)
	case schema.Description != "":
		return described(schema.Description, schema)
	}
	return wantedType(schema)
}

func wantedType(schema *openapi3.Schema) string {
	switch {
	case schema.Format == "uuid":
		return "a UUID"
	case schema.Format == "date-time":
		return "a time by RFC 3339, such as 2026-05-01T00:00:00Z"
	case schema.Type.Is(openapi3.TypeString):
		return "a text" + lengths(schema)
	case schema.Type.Is(openapi3.TypeInteger):
		return "a whole number" + bounds(schema)
	case schema.Type.Is(openapi3.TypeBoolean):
		return "true or false"
	case schema.Type.Is(openapi3.TypeArray):
		return "a list" + items(schema)
	}
	return "an object with the documented fields"
}

func lengths(schema *openapi3.Schema) string {
	switch {
	case schema.Pattern != "":
		return " that matches " + schema.Pattern
	case schema.MaxLength != nil && schema.MinLength > 0:
		return fmt.Sprintf(" of %d to %d characters", schema.MinLength, *schema.MaxLength)
	case schema.MaxLength != nil:
		return fmt.Sprintf(" of at most %d characters", *schema.MaxLength)
	}
	return ""
}

func bounds(schema *openapi3.Schema) string {
	if schema.Min != nil && schema.Max != nil {
		return fmt.Sprintf(" from %.0f to %.0f", *schema.Min, *schema.Max)
	}
	return ""
}

func items(schema *openapi3.Schema) string {
	if schema.MaxItems != nil {
		return fmt.Sprintf(" of %d to %d items", schema.MinItems, *schema.MaxItems)
	}
	return ""
}

func listed(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// maxExample bounds an example, in bytes: a longer one tells less than the API
// document does.
const maxExample = 80

// described is a description with the schema's example, where it has one: what
// a day or an amount looks like is seen at once.
func described(description string, schema *openapi3.Schema) string {
	words := sentence(description)
	if schema == nil || schema.Example == nil {
		return words
	}
	text, plain := schema.Example.(string)
	if !plain {
		raw, err := json.Marshal(schema.Example)
		if err != nil {
			return words
		}
		text = string(raw)
	}
	if len(text) > maxExample || strings.Contains(words, text) {
		return words
	}
	return words + ", such as " + text
}

// sentence takes the end off a description, so that it stands within one.
func sentence(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(strings.TrimSpace(first), ".")
}
