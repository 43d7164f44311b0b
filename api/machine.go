package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/provisioning/machine"
)

// EnrolMachine implements oapi.StrictServerInterface.
func (s *Server) EnrolMachine(ctx context.Context, _ oapi.EnrolMachineRequestObject) (oapi.EnrolMachineResponseObject, error) {
	var a machine.Application
	if err := ofMachine(ctx, &a); err != nil {
		return nil, err
	}
	welcome, err := s.control.Desk.Enrol(ctx, a, callOf(ctx).address)
	return nil, toMachine(ctx, welcome, err)
}

// ReportMachine implements oapi.StrictServerInterface.
func (s *Server) ReportMachine(ctx context.Context, r oapi.ReportMachineRequestObject) (oapi.ReportMachineResponseObject, error) {
	var report machine.Report
	if err := ofMachine(ctx, &report); err != nil {
		return nil, err
	}
	signed, err := signedRequest(ctx, http.MethodPost, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	orders, err := s.control.Desk.Report(ctx, signed, report, callOf(ctx).address)
	return nil, toMachine(ctx, orders, err)
}

// FollowMachine implements oapi.StrictServerInterface.
func (s *Server) FollowMachine(ctx context.Context, r oapi.FollowMachineRequestObject) (oapi.FollowMachineResponseObject, error) {
	var following machine.Following
	if err := ofMachine(ctx, &following); err != nil {
		return nil, err
	}
	signed, err := signedRequest(ctx, http.MethodPost, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	waiting, err := s.control.Desk.Follow(ctx, signed, following, callOf(ctx).address)
	return nil, toMachine(ctx, waiting, err)
}

// GetMachineConfiguration implements oapi.StrictServerInterface.
func (s *Server) GetMachineConfiguration(ctx context.Context, r oapi.GetMachineConfigurationRequestObject) (oapi.GetMachineConfigurationResponseObject, error) {
	signed, err := signedRequest(ctx, http.MethodGet, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	configuration, err := s.control.Desk.Configuration(ctx, signed, callOf(ctx).address)
	return nil, toMachine(ctx, configuration, err)
}

// ChangeMachineKeys implements oapi.StrictServerInterface.
func (s *Server) ChangeMachineKeys(ctx context.Context, r oapi.ChangeMachineKeysRequestObject) (oapi.ChangeMachineKeysResponseObject, error) {
	var renewal machine.Renewal
	if err := ofMachine(ctx, &renewal); err != nil {
		return nil, err
	}
	signed, err := signedRequest(ctx, http.MethodPost, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	return oapi.ChangeMachineKeys204Response{}, s.control.Desk.ChangeKeys(ctx, signed, renewal, callOf(ctx).address)
}

// GetMachineHosting implements oapi.StrictServerInterface.
func (s *Server) GetMachineHosting(ctx context.Context, r oapi.GetMachineHostingRequestObject) (oapi.GetMachineHostingResponseObject, error) {
	signed, err := signedRequest(ctx, http.MethodGet, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	news, err := s.control.Desk.News(ctx, signed, callOf(ctx).address)
	return nil, toMachine(ctx, news, err)
}

// GetMachineHostingBill implements oapi.StrictServerInterface.
func (s *Server) GetMachineHostingBill(ctx context.Context, r oapi.GetMachineHostingBillRequestObject) (oapi.GetMachineHostingBillResponseObject, error) {
	signed, err := signedRequest(ctx, http.MethodGet, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	document, err := s.control.Desk.Document(ctx, signed, callOf(ctx).address, r.Bill)
	return nil, toMachine(ctx, document, err)
}

// DeliverTakeOutPart implements oapi.StrictServerInterface.
func (s *Server) DeliverTakeOutPart(ctx context.Context, r oapi.DeliverTakeOutPartRequestObject) (oapi.DeliverTakeOutPartResponseObject, error) {
	var part machine.TakeOutPart
	if err := ofMachine(ctx, &part); err != nil {
		return nil, err
	}
	signed, err := signedRequest(ctx, http.MethodPost, r.Params.TollhouseMachine, r.Params.TollhouseTime, r.Params.TollhouseNumber, r.Params.TollhouseSignature)
	if err != nil {
		return nil, err
	}
	next, err := s.control.Desk.TakeOutPart(ctx, signed, callOf(ctx).address, r.TakeOut, part)
	return nil, toMachine(ctx, next, err)
}

// ofMachine reads a body as the machine wrote it: what it signed is read, not
// what came of it on the way.
func ofMachine(ctx context.Context, into any) error {
	if err := json.Unmarshal(callOf(ctx).body, into); err != nil {
		field := "body"
		if typed := (*json.UnmarshalTypeError)(nil); errors.As(err, &typed) && typed.Field != "" {
			field = typed.Field
		}
		return problem.InvalidRequest.New("", problem.Fault{Field: field, Reason: "cannot be read", Want: "what a machine of this version sends"})
	}
	return nil
}

func toMachine(ctx context.Context, what any, err error) error {
	if err != nil {
		return err
	}
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	callOf(ctx).answer = &answer{status: http.StatusOK, headers: map[string]string{"Content-Type": jsonType, "Cache-Control": "no-store"}, body: text}
	return nil
}

func signedRequest(ctx context.Context, method string, id uuid.UUID, at string, number int64, signature string) (machine.Signed, error) {
	c, h := callOf(ctx), http.Header{}
	h.Set(machine.HeaderMachine, id.String())
	h.Set(machine.HeaderTime, at)
	h.Set(machine.HeaderNumber, strconv.FormatInt(number, 10))
	h.Set(machine.HeaderSignature, signature)
	return machine.ReadSigned(method, c.path, h, c.body)
}

// GetInstaller implements oapi.StrictServerInterface.
func (s *Server) GetInstaller(context.Context, oapi.GetInstallerRequestObject) (oapi.GetInstallerResponseObject, error) {
	script, err := s.control.Desk.Installer()
	return oapi.GetInstaller200TextResponse(script), err
}

// GetProgram implements oapi.StrictServerInterface.
func (s *Server) GetProgram(_ context.Context, r oapi.GetProgramRequestObject) (oapi.GetProgramResponseObject, error) {
	file, size, err := s.control.Programs.Open(strings.ToLower(r.Digest))
	return oapi.GetProgram200ApplicationoctetStreamResponse{Body: file, ContentLength: size}, err
}
