package api

import (
	"context"
	"io"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

func calendarOf(c catalog.HolidayCalendar) oapi.HolidayCalendar {
	return oapi.HolidayCalendar{Code: c.Code, Names: namesOf(c.Names),
		Days: mapped(c.Days, func(d catalog.NamedDay) oapi.HolidayDay {
			return oapi.HolidayDay{Day: d.Day, Names: optionalNames(d.Names)}
		}),
		Yearly: mapped(c.Yearly, func(y catalog.YearlyHoliday) oapi.YearlyHoliday {
			return oapi.YearlyHoliday{Month: int(y.Month), Day: y.Day, From: y.From, Until: unless(0, y.Until), Names: optionalNames(y.Names)}
		})}
}

func optionalNames(n catalog.Names) *oapi.Names {
	if len(n) == 0 {
		return nil
	}
	out := oapi.Names(n)
	return &out
}

// ListHolidayCalendars implements oapi.StrictServerInterface.
func (s *Server) ListHolidayCalendars(ctx context.Context, _ oapi.ListHolidayCalendarsRequestObject) (oapi.ListHolidayCalendarsResponseObject, error) {
	var all []catalog.HolidayCalendar
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		all, err = catalog.Calendars(ctx, tx)
		return err
	})
	return oapi.ListHolidayCalendars200JSONResponse{Items: mapped(all, calendarOf)}, err
}

// GetHolidayCalendar implements oapi.StrictServerInterface.
func (s *Server) GetHolidayCalendar(ctx context.Context, r oapi.GetHolidayCalendarRequestObject) (oapi.GetHolidayCalendarResponseObject, error) {
	var out oapi.HolidayCalendar
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		c, err := catalog.GetCalendar(ctx, tx, r.Calendar)
		if err != nil {
			return err
		}
		users, err := catalog.CalendarUsers(ctx, tx, r.Calendar)
		out = calendarOf(c)
		out.Offerings = &users
		return err
	})
	return oapi.GetHolidayCalendar200JSONResponse(out), err
}

// PutHolidayCalendar implements oapi.StrictServerInterface.
func (s *Server) PutHolidayCalendar(ctx context.Context, r oapi.PutHolidayCalendarRequestObject) (oapi.PutHolidayCalendarResponseObject, error) {
	change := catalog.CalendarChange{Code: r.Calendar, Names: catalog.Names(value(r.Body.Names)), Remove: value(r.Body.Remove), Past: value(r.Body.Past)}
	for _, d := range value(r.Body.Put) {
		change.Put = append(change.Put, catalog.NamedDay{Day: d.Day, Names: catalog.Names(value(d.Names))})
	}
	if r.Body.Yearly != nil {
		yearly := mapped(*r.Body.Yearly, func(y oapi.YearlyHoliday) catalog.YearlyHoliday {
			return catalog.YearlyHoliday{Month: time.Month(y.Month), Day: y.Day, From: y.From, Until: value(y.Until), Names: catalog.Names(value(y.Names))}
		})
		change.Yearly = &yearly
	}
	return nil, once(ctx, oapi.PutHolidayCalendarResponseObject.VisitPutHolidayCalendarResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutHolidayCalendarResponseObject, error) {
		callOf(ctx).note("calendar", r.Calendar)
		after, err := catalog.ChangeCalendar(ctx, tx, change)
		return oapi.PutHolidayCalendar200JSONResponse{Body: calendarOf(after)}, err
	})
}

// UploadHolidays implements oapi.StrictServerInterface.
func (s *Server) UploadHolidays(ctx context.Context, r oapi.UploadHolidaysRequestObject) (oapi.UploadHolidaysResponseObject, error) {
	body, name, err := uploaded(r.Body, r.MultipartBody, "")
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if c.body, err = io.ReadAll(body); err != nil {
		return nil, err
	}
	format := tableFormat(r.Params.Delimiter, r.Params.Header)
	return nil, once(ctx, oapi.UploadHolidaysResponseObject.VisitUploadHolidaysResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UploadHolidaysResponseObject, error) {
		c.note("calendar", r.Calendar, "file", name)
		after, err := catalog.AddHolidays(ctx, tx, catalog.HolidayUpload{Code: r.Calendar, Content: c.body, Format: format, Past: value(r.Params.Past)})
		return oapi.UploadHolidays200JSONResponse{Body: calendarOf(after)}, err
	})
}

// RemoveHolidayCalendar implements oapi.StrictServerInterface.
func (s *Server) RemoveHolidayCalendar(ctx context.Context, r oapi.RemoveHolidayCalendarRequestObject) (oapi.RemoveHolidayCalendarResponseObject, error) {
	return nil, once(ctx, oapi.RemoveHolidayCalendarResponseObject.VisitRemoveHolidayCalendarResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveHolidayCalendarResponseObject, error) {
		callOf(ctx).note("calendar", r.Calendar)
		return oapi.RemoveHolidayCalendar204Response{}, catalog.RemoveCalendar(ctx, tx, r.Calendar)
	})
}
