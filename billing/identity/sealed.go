package identity

import (
	"github.com/google/uuid"

	"tollhouse/billing/sealed"
)

// Sealed lists what the package keeps sealed.
func Sealed() []sealed.Place {
	return []sealed.Place{
		sealed.Column{
			Name:  "signing_key.sealed_private",
			First: []string{""},
			Read: `select array[id], sealed_private from signing_key
			        where id > ($1::text[])[1] order by id limit $2 for update`,
			Write:  `update signing_key set sealed_private = $2 where id = ($1::text[])[1]`,
			Sealed: func(key []string) string { return sealName(key[0]) },
		},
		sealed.Column{
			Name:  "user_totp.secret",
			First: []string{uuid.Nil.String()},
			Read: `select array[user_id::text], secret from user_totp
			        where user_id > ($1::text[])[1]::uuid order by user_id limit $2 for update`,
			Write:  `update user_totp set secret = $2 where user_id = ($1::text[])[1]::uuid`,
			Sealed: func(key []string) string { return totpSealName(uuid.MustParse(key[0])) }, // a key of ours
		},
	}
}
