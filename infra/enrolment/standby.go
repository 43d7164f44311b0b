package enrolment

import (
	"context"
	"fmt"
	"net/http"

	"tollhouse/provisioning/machine"
)

// Follow tells the control plane how a host sees its standby, and gives whether
// the host's commits are to wait for it.
func (c *Client) Follow(ctx context.Context, f machine.Following) (machine.Waiting, error) {
	var answer machine.Waiting
	if err := c.signed(ctx, http.MethodPost, machine.PathStandby, f, &answer); err != nil {
		return answer, fmt.Errorf("ask whether to wait for the standby: %w", err)
	}
	return answer, nil
}
