package fleet

import (
	"errors"
	"fmt"

	"tollhouse/tenants"
)

// Errors of sites.
var (
	// ErrState means that the site's state does not allow what was asked.
	ErrState = errors.New("the site's state does not allow that")
	// ErrRevision means that the site was changed since it was read.
	ErrRevision = errors.New("the site was changed since: read it again")
	// ErrOfferName means that a size has this name already, or an add-on.
	ErrOfferName = errors.New("a size and an add-on can't have the same name")
	// ErrOrphan means that the cloud shows no such orphan any more.
	ErrOrphan = errors.New("the cloud shows no such orphan")
	// ErrCloud means that no cloud of this name is set up.
	ErrCloud = errors.New("no cloud of this name is set up")
	// ErrUpgradeState means that the upgrade's state does not allow what was asked.
	ErrUpgradeState = errors.New("the upgrade's state does not allow that")
	// ErrUpgrading means that a site is part of an upgrade that is not over.
	ErrUpgrading = errors.New("a site is part of another upgrade that is not over")
)

var (
	errNothing = errors.New("nothing is due")
	errLost    = errors.New("another look has taken over")
)

// faults gathers refused fields, so that all are told at once.
type faults []tenants.FieldError

func (f *faults) add(field, want string) {
	*f = append(*f, tenants.FieldError{Field: field, Want: want})
}

func (f *faults) unless(ok bool, field, want string) {
	if !ok {
		f.add(field, want)
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return &tenants.InvalidError{Fields: *f}
}

func refuse(field, format string, args ...any) error {
	return &tenants.InvalidError{Fields: []tenants.FieldError{{Field: field, Want: fmt.Sprintf(format, args...)}}}
}
