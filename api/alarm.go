package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

func alarmOf(a alarm.Alarm) oapi.Alarm {
	return oapi.Alarm{Id: a.ID, Kind: string(a.Kind), Severity: oapi.AlarmSeverity(a.Severity), State: oapi.AlarmState(a.State), Subject: a.Subject,
		Operator: optionalID(uuid.UUID(a.Operator)), Condition: a.Kind.Condition(), Count: a.Count, Detail: a.Detail, RaisedAt: a.RaisedAt, LastAt: a.LastAt,
		AcknowledgedBy: optionalText(a.AcknowledgedBy), AcknowledgedAt: a.AcknowledgedAt, ClearedAt: a.ClearedAt}
}

// ListAlarms implements oapi.StrictServerInterface.
func (s *Server) ListAlarms(ctx context.Context, r oapi.ListAlarmsRequestObject) (oapi.ListAlarmsResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListAlarms200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := alarm.List(ctx, tx, alarm.Query{Open: value(r.Params.Open), Before: before, Limit: pageLimit(r.Params.Limit) + 1})
		page, next := cut(found, r.Params.Limit, func(a alarm.Alarm) []string { return []string{a.ID.String()} })
		out.Items, out.Next = mapped(page, alarmOf), next
		return err
	})
	return out, err
}

func (s *Server) actOnAlarm(ctx context.Context, id uuid.UUID, act func(context.Context, tenants.Tx, tenants.Actor, uuid.UUID) (alarm.Alarm, error)) (oapi.Alarm, error) {
	var a alarm.Alarm
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		a, err = act(ctx, tx, callOf(ctx).staff, id)
		return err
	})
	return alarmOf(a), err
}

// AcknowledgeAlarm implements oapi.StrictServerInterface.
func (s *Server) AcknowledgeAlarm(ctx context.Context, r oapi.AcknowledgeAlarmRequestObject) (oapi.AcknowledgeAlarmResponseObject, error) {
	out, err := s.actOnAlarm(ctx, r.Alarm, alarm.Acknowledge)
	return oapi.AcknowledgeAlarm200JSONResponse(out), err
}

// CloseAlarm implements oapi.StrictServerInterface.
func (s *Server) CloseAlarm(ctx context.Context, r oapi.CloseAlarmRequestObject) (oapi.CloseAlarmResponseObject, error) {
	out, err := s.actOnAlarm(ctx, r.Alarm, alarm.Close)
	return oapi.CloseAlarm200JSONResponse(out), err
}
