package nchf

import _ "embed"

// Document is the OpenAPI document of this endpoint.
//
//go:embed nchf.yaml
var Document []byte
