package intake

import (
	"github.com/google/uuid"

	"tollhouse/billing/sealed"
)

// filesAtOnce bounds the files in memory while they are sealed anew.
const filesAtOnce = 2

// Sealed lists what the package keeps sealed.
func Sealed() []sealed.Place {
	return []sealed.Place{sealed.Column{
		Name:   "intake_file.sealed",
		AtOnce: filesAtOnce,
		First:  []string{uuid.Nil.String(), ""},
		Read: `select array[id::text, batch_id::text], sealed from intake_file
		        where id > ($1::text[])[1]::uuid order by id limit $2 for update`,
		Write: `update intake_file set sealed = $2 where id = ($1::text[])[1]::uuid`,
		Sealed: func(key []string) string { // keys of ours
			return sealName(uuid.MustParse(key[1]), uuid.MustParse(key[0]))
		},
	}}
}
