/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Using libxml2 within bounds: text from memory only, no network, no entities but XML's own five,
 * no document type. */
#include "config/xml_parse.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/xml.h"
#include "core/error.h"

/* What an element has in _private: its line, these, and its column. */
#define IS_READ ((uintptr_t)1 << 31)
#define IS_SETTLED ((uintptr_t)1 << 30)
#define COLUMN_MASK (IS_SETTLED - 1)

/* What the callbacks need; libxml2 hands it around in the parser's context. */
struct parse {
	const struct uvpi_xml_lib *lib;
	const char *name;
	struct uvp_error *err;
	const xmlNode *root; /* while the schema is used */
	bool failed;
};

static void fail_at(struct parse *parse, int line, int column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The first error counts; what follows is mostly its consequence. */
static void fail_at(struct parse *parse, int line, int column, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	if (parse->failed)
		return;
	parse->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text[strcspn(text, "\n")] = '\0';
	if (line > 0)
		uvpi_fail(parse->err, UVP_E_INVALID, 0, "%.150s:%d:%d: %s", parse->name, line,
			  column > 0 ? column : 1, text);
	else
		uvpi_fail(parse->err, UVP_E_INVALID, 0, "%.150s: %s", parse->name, text);
}

static void on_error(void *data, xmlErrorPtr error)
{
	xmlParserCtxtPtr context = data;

	if (error->level >= XML_ERR_ERROR)
		fail_at(context->_private, error->line, error->int2, "not well-formed XML: %s",
			error->message);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *public_id,
		       const xmlChar *system_id)
{
	xmlParserCtxtPtr context = data;
	struct parse *parse = context->_private;

	fail_at(parse, context->input->line, context->input->col,
		"a document type declaration is refused");
	if (parse->failed)
		uvpi_hint(parse->err, "remove <!DOCTYPE ...>; nothing of it is ever read");
	parse->lib->xmlStopParser(context);
}

/* Where the '<' of the start tag that was just read stands. The input's buffer still has it unless
 * the tag is very long; its end is told then. */
static void tag_place(const xmlParserInput *input, int *ret_line, int *ret_column)
{
	const xmlChar *open = memrchr(input->base, '<', (size_t)(input->cur - input->base));
	const xmlChar *line_start, *p;

	*ret_line = input->line;
	*ret_column = input->col;
	if (!open)
		return;
	for (p = open; p < input->cur; p++)
		*ret_line -= *p == '\n';
	line_start = memrchr(input->base, '\n', (size_t)(open - input->base));
	if (line_start)
		*ret_column = (int)(open - line_start);
	else if (*ret_line == input->line)
		*ret_column = input->col - (int)(input->cur - open);
	else
		*ret_column = 1;
}

static void on_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		       int n_namespaces, const xmlChar **namespaces, int n_attributes,
		       int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxtPtr context = data;
	struct parse *parse = context->_private;
	int line, column;

	if (parse->failed)
		return;
	tag_place(context->input, &line, &column);
	if (context->nodeNr >= UVPI_XML_MAX_DEPTH) {
		fail_at(parse, line, column, "elements are nested more than %d deep",
			UVPI_XML_MAX_DEPTH);
		parse->lib->xmlStopParser(context);
		return;
	}
	parse->lib->xmlSAX2StartElementNs(context, name, prefix, uri, n_namespaces, namespaces,
					  n_attributes, n_defaulted, attributes);
	if (context->node)
		context->node->_private =
			(void *)((uintptr_t)line << 32 | ((uintptr_t)column & COLUMN_MASK));
}

int uvpi_xml_line(const xmlNode *element)
{
	return (int)((uintptr_t)element->_private >> 32);
}

int uvpi_xml_column(const xmlNode *element)
{
	return (int)((uintptr_t)element->_private & COLUMN_MASK);
}

void uvpi_xml_mark(const xmlNode *element, bool settled)
{
	/* the tree is ours, and only lent as constant */
	((xmlNode *)element)->_private = (void *)((uintptr_t)element->_private | IS_READ | (settled ? IS_SETTLED : 0));
}

bool uvpi_xml_is_read(const xmlNode *element)
{
	return (uintptr_t)element->_private & IS_READ;
}

bool uvpi_xml_is_settled(const xmlNode *element)
{
	return (uintptr_t)element->_private & IS_SETTLED;
}

void uvpi_xml_doc_done(struct uvpi_xml_doc *doc)
{
	if (doc->doc)
		doc->lib->xmlFreeDoc(doc->doc);
	doc->doc = NULL;
}

int uvpi_xml_parse(const char *name, const char *text, size_t len, struct uvpi_xml_doc *ret_doc,
		   struct uvp_error *err)
{
	struct parse parse = { .name = name, .err = err };
	xmlParserCtxtPtr context;

	parse.lib = uvpi_xml_lib(err);
	if (!parse.lib)
		return -UVP_E_UNSUPPORTED;
	context = parse.lib->xmlNewParserCtxt();
	if (!context)
		return uvpi_no_memory(err);
	context->_private = &parse;
	context->sax->serror = on_error;
	context->sax->internalSubset = on_doctype;
	context->sax->startElementNs = on_element;
	ret_doc->lib = parse.lib;
	ret_doc->doc = parse.lib->xmlCtxtReadMemory(
		context, text, (int)len, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
			XML_PARSE_BIG_LINES);
	if (!ret_doc->doc && !parse.failed)
		fail_at(&parse, 0, 0, "not well-formed XML");
	parse.lib->xmlFreeParserCtxt(context);
	if (!parse.failed)
		return 0;
	uvpi_xml_doc_done(ret_doc);
	return -UVP_E_INVALID;
}

/* ---- the schema ---- */

/* The first element of that name, in the document's order. */
static const xmlNode *find_named(const xmlNode *root, const char *name)
{
	const xmlNode *node = root;

	while (node &&
	       (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0)) {
		if (node->children && node->type == XML_ELEMENT_NODE) {
			node = node->children;
			continue;
		}
		while (node && node != root && !node->next)
			node = node->parent;
		node = node && node != root ? node->next : NULL;
	}
	return node;
}

/* Inside an interleave, libxml2 names the element but does not say which it is. */
static void on_invalid(void *data, xmlErrorPtr error)
{
	struct parse *parse = data;
	const xmlNode *node = error->node;

	if (error->level < XML_ERR_ERROR)
		return;
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->parent;
	if (!node && error->str1)
		node = find_named(parse->root, error->str1);
	if (node && node->_private)
		fail_at(parse, uvpi_xml_line(node), uvpi_xml_column(node),
			"<%s> does not fit the schema: %s", (const char *)node->name,
			error->message);
	else
		fail_at(parse, error->line, 0, "the document does not fit the schema: %s",
			error->message);
}

/* A schema that cannot be read must not keep anybody from reading a file that is good. */
static void on_schema_error(void *data, xmlErrorPtr error)
{
	uvpi_debug("schema: %s", error->message);
}

static xmlRelaxNGPtr read_schema(const struct uvpi_xml_lib *lib)
{
	const char *folder = getenv("UVP_DATADIR");
	xmlRelaxNGParserCtxtPtr context;
	xmlRelaxNGPtr schema = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/domain.rng", folder ? folder : UVP_DATADIR);
	if (access(path, R_OK) != 0)
		return NULL;
	context = lib->xmlRelaxNGNewParserCtxt(path);
	if (!context)
		return NULL;
	lib->xmlRelaxNGSetParserStructuredErrors(context, on_schema_error, NULL);
	schema = lib->xmlRelaxNGParse(context);
	lib->xmlRelaxNGFreeParserCtxt(context);
	return schema;
}

int uvpi_xml_validate(const char *name, const struct uvpi_xml_doc *doc, struct uvp_error *err)
{
	struct parse parse = { .lib = doc->lib, .name = name, .err = err };
	xmlRelaxNGPtr schema = read_schema(doc->lib);
	xmlRelaxNGValidCtxtPtr context;

	parse.root = doc->lib->xmlDocGetRootElement(doc->doc);
	if (!schema) {
		uvpi_debug("no schema: '%s' is read without", name);
		return 0;
	}
	context = doc->lib->xmlRelaxNGNewValidCtxt(schema);
	if (context) {
		doc->lib->xmlRelaxNGSetValidStructuredErrors(context, on_invalid, &parse);
		if (doc->lib->xmlRelaxNGValidateDoc(context, doc->doc) > 0)
			fail_at(&parse, 0, 0, "the document does not fit the schema");
		doc->lib->xmlRelaxNGFreeValidCtxt(context);
	}
	doc->lib->xmlRelaxNGFree(schema);
	return parse.failed ? -UVP_E_INVALID : 0;
}
