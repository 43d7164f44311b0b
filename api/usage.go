package api

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// CreateUsageSource implements oapi.StrictServerInterface.
func (s *Server) CreateUsageSource(ctx context.Context, r oapi.CreateUsageSourceRequestObject) (oapi.CreateUsageSourceResponseObject, error) {
	mapping, err := mappingOf((*string)(r.Body.Preset), value(r.Body.Zone), r.Body.Mapping)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.CreateUsageSourceResponseObject.VisitCreateUsageSourceResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateUsageSourceResponseObject, error) {
		feed, err := usage.CreateSource(ctx, tx, r.Body.Name, mapping)
		callOf(ctx).about("usage_source", feed.ID)
		return oapi.CreateUsageSource201JSONResponse{Body: usageSource(feed)}, err
	})
}

// mappingOf is the mapping that was sent, or that of a preset.
func mappingOf(preset *string, zone string, mapping *oapi.Document) (usage.Mapping, error) {
	switch {
	case (preset == nil) == (mapping == nil):
		return usage.Mapping{}, problem.InvalidRequest.New("", problem.Fault{Field: "mapping", Reason: "does not stand alone", Want: "either preset or mapping"})
	case preset != nil:
		return usage.FindPreset(*preset, zone)
	default:
		return usage.ParseMapping(*mapping)
	}
}

// ChangeUsageSource implements oapi.StrictServerInterface.
func (s *Server) ChangeUsageSource(ctx context.Context, r oapi.ChangeUsageSourceRequestObject) (oapi.ChangeUsageSourceResponseObject, error) {
	mapping, err := mappingOf((*string)(r.Body.Preset), value(r.Body.Zone), r.Body.Mapping)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ChangeUsageSourceResponseObject.VisitChangeUsageSourceResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeUsageSourceResponseObject, error) {
		callOf(ctx).about("usage_source", r.Source)
		feed, err := usage.ChangeMapping(ctx, tx, r.Source, mapping)
		return oapi.ChangeUsageSource200JSONResponse{Body: usageSource(feed)}, err
	})
}

func usageSource(f usage.Feed) oapi.UsageSource {
	return oapi.UsageSource{Id: f.ID, Name: f.Name, Mapping: document(f.Mapping), CreatedAt: f.CreatedAt}
}

// ListUsageSources implements oapi.StrictServerInterface.
func (s *Server) ListUsageSources(ctx context.Context, _ oapi.ListUsageSourcesRequestObject) (oapi.ListUsageSourcesResponseObject, error) {
	var feeds []usage.Feed
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		feeds, err = usage.ListSources(ctx, tx)
		return err
	})
	return oapi.ListUsageSources200JSONResponse{Items: mapped(feeds, usageSource)}, err
}

// UploadUsageFile implements oapi.StrictServerInterface.
func (s *Server) UploadUsageFile(ctx context.Context, r oapi.UploadUsageFileRequestObject) (oapi.UploadUsageFileResponseObject, error) {
	stack := callOf(ctx).stack
	var feed usage.Feed
	err := stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		feed, err = usage.FindSource(ctx, tx, r.Params.Source)
		return err
	})
	if err != nil {
		return nil, err
	}
	body, name, err := uploaded(r.Body, r.MultipartBody, value(r.Params.Name))
	if err != nil {
		return nil, err
	}
	file, _, err := stack.ReceiveFile(ctx, feed.ID, name, body)
	return oapi.UploadUsageFile202JSONResponse(usageFile(file, map[uuid.UUID]string{feed.ID: feed.Name})), err
}

// uploaded finds the file in a body or in a form; what a form says besides is
// passed over. A name that is given counts more than the form's.
func uploaded(whole io.Reader, form *multipart.Reader, named string) (body io.Reader, name string, err error) {
	if form == nil {
		return whole, named, nil
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, "", errNoFile(err)
		}
		if part.FileName() == "" {
			continue
		}
		if named == "" {
			named = part.FileName()
		}
		return part, named, nil
	}
}

func errNoFile(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, multipart.ErrMessageTooLarge) {
		return problem.InvalidRequest.New("", problem.Fault{Field: "file", Reason: "is missing", Want: "a form part with a file name"})
	}
	return problem.InvalidRequest.New("", problem.Fault{Field: "body", Reason: "is no whole form", Want: "multipart/form-data with one file part"})
}

// ListUsageFiles implements oapi.StrictServerInterface.
func (s *Server) ListUsageFiles(ctx context.Context, r oapi.ListUsageFilesRequestObject) (oapi.ListUsageFilesResponseObject, error) {
	after, err := usage.ParseCursor(value(r.Params.Cursor))
	if err != nil {
		return nil, errCursor()
	}
	var out oapi.ListUsageFiles200JSONResponse
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		files, next, err := usage.ListFiles(ctx, tx, after, pageLimit(r.Params.Limit))
		if err != nil {
			return err
		}
		names, err := sourceNames(ctx, tx)
		out.Items = mapped(files, func(f usage.File) oapi.UsageFile { return usageFile(f, names) })
		out.Next = optionalText(next.String())
		return err
	})
	return out, err
}

func usageFile(f usage.File, sources map[uuid.UUID]string) oapi.UsageFile {
	out := oapi.UsageFile{Id: f.ID, Source: sources[f.Source], Name: f.Name, Digest: hex.EncodeToString(f.Digest[:]), SizeBytes: f.SizeBytes,
		State: oapi.UsageFileState(f.State), OffsetBytes: f.Read.Offset, Lines: f.Read.Line, Accepted: f.Counts.Accepted, Duplicates: f.Counts.Duplicates,
		Rejected: f.Counts.Rejected, Suspended: f.Counts.Suspended, Ignored: f.Counts.Ignored, Error: optionalText(f.Error),
		ReceivedAt: f.ReceivedAt, DoneAt: f.DoneAt}
	if f.Overlaps != uuid.Nil {
		out.Overlap = &oapi.Overlap{File: f.Overlaps, Lines: f.Overlapped}
	}
	return out
}

// GetUsageFile implements oapi.StrictServerInterface.
func (s *Server) GetUsageFile(ctx context.Context, r oapi.GetUsageFileRequestObject) (oapi.GetUsageFileResponseObject, error) {
	var out oapi.UsageFile
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		file, err := usage.GetFile(ctx, tx, r.File)
		if err != nil {
			return err
		}
		names, err := sourceNames(ctx, tx)
		out = usageFile(file, names)
		return err
	})
	return oapi.GetUsageFile200JSONResponse(out), err
}
