package stripe

import (
	"context"
	"errors"
	"net/http"

	stripego "github.com/stripe/stripe-go/v76"

	"tollhouse/billing/payment"
)

// domainError puts Stripe's errors into payment's words. What isn't an answer
// of Stripe's (no connection, deadline) may succeed later; a cancelled caller
// stays cancelled.
func domainError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var answer *stripego.Error
	if !errors.As(err, &answer) {
		return &payment.ProviderError{Kind: payment.ErrProviderUnavailable, Message: err.Error()}
	}
	return &payment.ProviderError{
		Kind: errorKind(answer), Code: string(answer.Code),
		Message: answer.Msg, RequestID: answer.RequestID,
	}
}

func errorKind(e *stripego.Error) error {
	switch {
	case e.HTTPStatusCode == http.StatusUnauthorized, e.HTTPStatusCode == http.StatusForbidden:
		return payment.ErrProviderNotConfigured
	case e.HTTPStatusCode == http.StatusTooManyRequests,
		e.HTTPStatusCode == http.StatusConflict, // the same key is being worked on
		e.HTTPStatusCode >= http.StatusInternalServerError:
		return payment.ErrProviderUnavailable
	case e.Code == stripego.ErrorCodeAmountTooSmall, e.Code == stripego.ErrorCodeAmountTooLarge,
		e.Code == stripego.ErrorCodeInvalidChargeAmount:
		return payment.ErrProviderAmount
	default:
		return payment.ErrProviderRefused
	}
}
