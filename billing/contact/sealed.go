package contact

import (
	"github.com/google/uuid"

	"tollhouse/billing/sealed"
)

// Sealed lists what the package keeps sealed.
func Sealed() []sealed.Place {
	return []sealed.Place{sealed.Column{
		Name:  "contact_change.code",
		First: []string{uuid.Nil.String()},
		Read: `select array[id::text], code from contact_change
		        where id > ($1::text[])[1]::uuid order by id limit $2 for update`,
		Write:  `update contact_change set code = $2 where id = ($1::text[])[1]::uuid`,
		Sealed: func(key []string) string { return sealName(uuid.MustParse(key[0])) }, // a key of ours
	}}
}
