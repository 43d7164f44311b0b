package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
)

// SignIn implements oapi.StrictServerInterface.
func (s *Server) SignIn(ctx context.Context, r oapi.SignInRequestObject) (oapi.SignInResponseObject, error) {
	c := callOf(ctx)
	in, err := c.stack.SignIn(ctx, identity.Credentials{Email: r.Body.Email, Password: r.Body.Password,
		UserAgent: c.userAgent, Address: c.address, Device: value(r.Body.Device)})
	return oapi.SignIn200JSONResponse(tokenOf(in)), err
}

func tokenOf(in identity.SignedIn) oapi.UserToken {
	return oapi.UserToken{AccessToken: in.Token, TokenType: oapi.UserTokenTokenTypeBearer, ExpiresAt: in.Expires, Device: optionalText(in.Device)}
}

// CompleteSignIn implements oapi.StrictServerInterface.
func (s *Server) CompleteSignIn(ctx context.Context, r oapi.CompleteSignInRequestObject) (oapi.CompleteSignInResponseObject, error) {
	c := callOf(ctx)
	in, err := c.stack.CompleteSignIn(ctx, identity.SecondFactor{Challenge: r.Body.Challenge, Code: r.Body.Code,
		UserAgent: c.userAgent, Address: c.address, Device: value(r.Body.Device)})
	return oapi.CompleteSignIn200JSONResponse(tokenOf(in)), err
}

// SendSignInCode implements oapi.StrictServerInterface.
func (s *Server) SendSignInCode(ctx context.Context, r oapi.SendSignInCodeRequestObject) (oapi.SendSignInCodeResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.SendCode(ctx, identity.CodeRequest{Contact: r.Body.Contact, Address: c.address, Device: value(r.Body.Device)})
	return oapi.SendSignInCode204Response{}, err
}

// SignInWithCode implements oapi.StrictServerInterface.
func (s *Server) SignInWithCode(ctx context.Context, r oapi.SignInWithCodeRequestObject) (oapi.SignInWithCodeResponseObject, error) {
	c := callOf(ctx)
	in, err := c.stack.SignInWithCode(ctx, identity.CodeCredentials{Contact: r.Body.Contact, Code: r.Body.Code,
		UserAgent: c.userAgent, Address: c.address, Device: value(r.Body.Device)})
	return oapi.SignInWithCode200JSONResponse(tokenOf(in)), err
}

// SignOut implements oapi.StrictServerInterface.
func (s *Server) SignOut(ctx context.Context, _ oapi.SignOutRequestObject) (oapi.SignOutResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if c.who.Kind == identity.StaffPrincipal {
			return visit.End(ctx, tx, c.caller(), c.who.Session)
		}
		return s.authority.EndSession(ctx, tx, c.who)
	})
	return oapi.SignOut204Response{}, err
}

// Where links to choose a password lead, below a stack's address. The pages
// there are the portal's.
const (
	portalPasswordPage  = "set-password?token="
	consolePasswordPage = "console/" + portalPasswordPage
)

// pageLink is what the token of a link to a page of the stack is appended to.
// It begins with our own address, never with one that a caller names.
func (s *Server) pageLink(c *call, page string) string {
	return s.publicURL + "/t/" + c.stack.Ref.Name + "/" + page
}

// AskPasswordReset implements oapi.StrictServerInterface.
func (s *Server) AskPasswordReset(ctx context.Context, r oapi.AskPasswordResetRequestObject) (oapi.AskPasswordResetResponseObject, error) {
	c := callOf(ctx)
	page := portalPasswordPage
	if value(r.Body.Page) == oapi.Console {
		page = consolePasswordPage
	}
	err := c.stack.SendReset(ctx, identity.ResetRequest{Email: r.Body.Email, Address: c.address, Link: s.pageLink(c, page)})
	return oapi.AskPasswordReset204Response{}, err
}

// ResetPassword implements oapi.StrictServerInterface.
func (s *Server) ResetPassword(ctx context.Context, r oapi.ResetPasswordRequestObject) (oapi.ResetPasswordResponseObject, error) {
	err := callOf(ctx).stack.ResetPassword(ctx, r.Body.Token, r.Body.Password)
	return oapi.ResetPassword204Response{}, err
}

// OpenStaffVisit implements oapi.StrictServerInterface.
func (s *Server) OpenStaffVisit(ctx context.Context, r oapi.OpenStaffVisitRequestObject) (oapi.OpenStaffVisitResponseObject, error) {
	c := callOf(ctx)
	var in visit.Inside
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		in, err = visit.Redeem(ctx, tx, s.authority, c.caller(), r.Body.Ticket)
		return err
	})
	return oapi.OpenStaffVisit200JSONResponse{AccessToken: in.Token, TokenType: oapi.TokenTokenTypeBearer, ExpiresAt: in.Expires}, err
}
