package catalog

import (
	"context"
	_ "embed" // the specification's schema
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Errors of specifications.
var (
	ErrNoSpecification   = errors.New("product specification not found")
	ErrSpecificationUsed = errors.New("offerings refer to the product specification")
)

// Specification is what a thing is, whatever it is sold for: a fibre line, a
// set-top box. Offerings refer to it by its code.
type Specification struct {
	Code            string           `json:"code"`
	Names           Names            `json:"names"`
	Services        []ServiceKind    `json:"services,omitempty"`
	RequiredFacts   []string         `json:"required_facts,omitempty"`
	Characteristics []Characteristic `json:"characteristics,omitempty"`
}

// Characteristic is one thing that is known of it.
type Characteristic struct {
	Code   string             `json:"code"`
	Names  Names              `json:"names"`
	Type   CharacteristicType `json:"type"`
	Unit   string             `json:"unit,omitempty"`
	Values []string           `json:"values,omitempty"` // those allowed; none: any of the type
	Value  string             `json:"value,omitempty"`  // what it is, where all are alike
}

// CharacteristicType says how a characteristic is written.
type CharacteristicType string

// Types of a characteristic.
const (
	TextCharacteristic   CharacteristicType = "text"
	NumberCharacteristic CharacteristicType = "number"
	YesCharacteristic    CharacteristicType = "yes_no"
	ChoiceCharacteristic CharacteristicType = "choice"
)

// SpecificationSchemaJSON is the JSON Schema of a specification, the same text
// as docs/specification.schema.json.
//
//go:embed specification.schema.json
var SpecificationSchemaJSON []byte

var specificationSchema = sync.OnceValue(func() *document.Schema { return document.MustCompileSchema(SpecificationSchemaJSON) })

// ParseSpecification reads a specification as YAML or JSON. A refused document
// gives a *document.InvalidError that names every field.
func ParseSpecification(text []byte) (Specification, error) {
	var s Specification
	lines, err := specificationSchema().Decode(text, &s)
	if err != nil {
		return Specification{}, fmt.Errorf("read specification: %w", err)
	}
	if findings := s.check(); len(findings) > 0 {
		return Specification{}, fmt.Errorf("read specification: %w", &document.InvalidError{Findings: lines.Locate(findings)})
	}
	return s, nil
}

// check finds what the schema cannot say.
func (s Specification) check() (findings []Finding) {
	seen := map[string]bool{}
	add := func(path, message string) {
		findings = append(findings, Finding{Path: path, Message: message})
	}
	for i, c := range s.Characteristics {
		path := fmt.Sprintf("characteristics[%d]", i)
		if seen[c.Code] {
			add(path+".code", fmt.Sprintf("%q stands twice", c.Code))
		}
		seen[c.Code] = true
		if c.Type == ChoiceCharacteristic && len(c.Values) == 0 {
			add(path+".values", "is missing: a choice needs the values to choose from")
		}
		if c.Value != "" && !c.admits(c.Value) {
			add(path+".value", fmt.Sprintf("%q is no value of this characteristic", c.Value))
		}
		for j, value := range c.Values {
			if !c.Type.admits(value) {
				add(fmt.Sprintf("%s.values[%d]", path, j), fmt.Sprintf("%q is no %s", value, c.Type))
			}
		}
	}
	return findings
}

func (c Characteristic) admits(value string) bool {
	if len(c.Values) == 0 {
		return c.Type.admits(value)
	}
	for _, v := range c.Values {
		if v == value {
			return true
		}
	}
	return false
}

const specificationColumns = `document`

// PutSpecification stores a specification over the one of its code. Those that
// have been sold go by the offering's own document.
func PutSpecification(ctx context.Context, tx tenant.Tx, s Specification) error {
	done, err := tx.Exec(ctx, `
		insert into product_specification (code, document, updated_at) values ($1, $2, $3)
		on conflict (code) do update set document = excluded.document, updated_at = excluded.updated_at`, s.Code, s, tx.At)
	if err != nil {
		return fmt.Errorf("store specification %s: %w", s.Code, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("store specification %s: nothing written", s.Code)
	}
	return nil
}

// GetSpecification reads one; ErrNoSpecification if there is none.
func GetSpecification(ctx context.Context, tx tenant.Tx, code string) (Specification, error) {
	var s Specification
	err := tx.QueryRow(ctx, `select `+specificationColumns+` from product_specification where code = $1`, code).Scan(&s)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoSpecification
	}
	if err != nil {
		return Specification{}, fmt.Errorf("read specification %.64q: %w", code, err)
	}
	return s, nil
}

// maxSpecifications bounds a catalog's specifications in one list.
const maxSpecifications = 1000

// Specifications lists them by code.
func Specifications(ctx context.Context, tx tenant.Tx) ([]Specification, error) {
	rows, err := tx.Query(ctx, `select `+specificationColumns+` from product_specification order by code limit $1`, maxSpecifications)
	if err != nil {
		return nil, fmt.Errorf("list specifications: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[Specification])
	if err != nil {
		return nil, fmt.Errorf("list specifications: %w", err)
	}
	return list, nil
}

// DropSpecification takes one away that no draft and no version on sale names.
func DropSpecification(ctx context.Context, tx tenant.Tx, code string) error {
	done, err := tx.Exec(ctx, `
		delete from product_specification s
		 where code = $1
		   and not exists (select from offering_version v where v.state <> 'retired' and v.document ->> 'specification' = s.code)`, code)
	if err != nil {
		return fmt.Errorf("drop specification %.64q: %w", code, err)
	}
	if done.RowsAffected() == 1 {
		return nil
	}
	if _, err := GetSpecification(ctx, tx, code); err != nil {
		return err
	}
	return fmt.Errorf("drop specification %.64q: %w", code, ErrSpecificationUsed)
}

// admits says whether a value is written as the type is.
func (t CharacteristicType) admits(value string) bool {
	switch t {
	case NumberCharacteristic:
		_, err := money.ParseDecimal(value)
		return err == nil
	case YesCharacteristic:
		return value == "yes" || value == "no"
	}
	return value != ""
}
