package identity

import (
	"crypto/rand"
	"fmt"
	"time"
)

// DrawTOTP draws a second factor for somebody who is no user of a stack, such as
// hosting staff: the secret to be sealed, and what an app needs.
func DrawTOTP(issuer, email string) (secret []byte, setup TOTPSetup, err error) {
	secret = make([]byte, totpSecretBytes)
	if _, err := rand.Read(secret); err != nil {
		return nil, TOTPSetup{}, fmt.Errorf("draw second factor: %w", err)
	}
	return secret, newSetup(issuer, email, secret), nil
}

// CheckTOTP finds the time step near now that a code belongs to; 0 if there is
// none. Whoever asks keeps the last step taken, as each is good once.
func CheckTOTP(secret []byte, code string, now time.Time) (step int64, err error) {
	return stepOf(secret, digits(code), now)
}
