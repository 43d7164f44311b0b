package ratecmd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/catalog"
)

// files are paths of an argument that may be given several times.
type files []string

// String is what flag asks for.
func (f *files) String() string { return strings.Join(*f, " ") }

// Set takes one path.
func (f *files) Set(path string) error {
	if path == "" {
		return errors.New("must be a file")
	}
	*f = append(*f, path)
	return nil
}

// onTop reads the options in the order in which their prices are asked: by
// priority, then the one that was bought last.
func (o options) onTop(plan catalog.Offering) ([]catalog.Offering, error) {
	var list []catalog.Offering
	for _, path := range o.options {
		option, err := readOffering(path)
		if err != nil {
			return nil, err
		}
		switch {
		case !option.OnTop():
			return nil, fmt.Errorf("%s:1:kind: offer %s is no option", path, option.Code)
		case option.Currency != plan.Currency:
			return nil, fmt.Errorf("%s:1:currency: option %s is priced in %s, offer %s in %s", path, option.Code, option.Currency, plan.Code, plan.Currency)
		case option.Tax.Included != plan.Tax.Included:
			return nil, fmt.Errorf("%s:1:tax.included: one of option %s and offer %s states its prices with tax, the other without", path, option.Code, plan.Code)
		case len(option.Option.For) > 0 && !slices.Contains(option.Option.For, plan.Code):
			return nil, fmt.Errorf("%s:1:option.for: option %s is not for offer %s", path, option.Code, plan.Code)
		}
		list = append(list, option)
	}
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b catalog.Offering) int { return cmp.Compare(a.Option.PriorityOr(), b.Option.PriorityOr()) })
	return list, nil
}
