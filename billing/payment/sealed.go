package payment

import (
	"github.com/google/uuid"

	"tollhouse/billing/sealed"
)

// SealName is the name under which a mandate's account number is sealed.
func SealName(method uuid.UUID) string { return "payment_method:" + method.String() }

// Sealed lists what payments keep sealed: the account numbers that mandates let
// collect from.
func Sealed() []sealed.Place {
	return []sealed.Place{sealed.Column{
		Name:  "payment_method.iban",
		First: []string{uuid.Nil.String()},
		Read: `select array[id::text], iban from payment_method
		        where iban is not null and id > ($1::text[])[1]::uuid order by id limit $2 for update`,
		Write:  `update payment_method set iban = $2 where id = ($1::text[])[1]::uuid and iban is not null`,
		Sealed: func(key []string) string { return SealName(uuid.MustParse(key[0])) }, // a key of ours
	}}
}
