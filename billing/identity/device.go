package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// maxDevices bounds how many browsers of one user are known; the one unused for
// longest is forgotten first.
const maxDevices = 20

// keepDevice notes that a user signed in from a browser (OWASP, "slow down
// online guessing with device cookies") and clears its counter. It returns the
// cookie for a browser that was not known; "": it keeps the one it has.
func (a *Authority) keepDevice(ctx context.Context, tx tenant.Tx, user uuid.UUID, cookie string) (fresh string, err error) {
	// A browser that somebody else of this stack uses is known by the same
	// cookie. One that we have not given out is nobody's, whoever made it up.
	done, err := tx.Exec(ctx, `
		insert into signin_device (hash, user_id, created_at, used_at)
		select $1, $2, $3, $3 where exists (select from signin_device where hash = $1)
		on conflict (hash, user_id) do update set used_at = $3, failed = 0, locked_until = null`, hashToken(cookie), user, a.now())
	if err != nil {
		return "", fmt.Errorf("note device: %w", err)
	}
	if done.RowsAffected() == 0 {
		var hash []byte
		if fresh, hash, err = newToken(); err != nil {
			return "", err
		}
		_, err = tx.Exec(ctx, `insert into signin_device (hash, user_id, created_at, used_at) values ($1, $2, $3, $3)`, hash, user, a.now())
		if err != nil {
			return "", fmt.Errorf("note device: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `
		delete from signin_device
		 where (hash, user_id) in (select hash, user_id from signin_device where user_id = $1 order by used_at desc, hash offset $2)`, user, maxDevices)
	if err != nil {
		return "", fmt.Errorf("forget devices: %w", err)
	}
	return fresh, nil
}
