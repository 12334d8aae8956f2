/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading libxml2. */
#include "config/xml_lib.h"

#include <dlfcn.h>
#include <string.h>

#include "core/error.h"

#define LIBRARY "libxml2.so.2"

void (*uvpi_xml_before_load)(void);

static int find(void *handle, const char *name, void *ret_pointer, struct uvp_error *err)
{
	void *symbol = dlsym(handle, name);

	if (!symbol)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "cannot read XML: " LIBRARY " has no %s", name);
	/* What dlsym() gives as an object pointer is a function's. */
	memcpy(ret_pointer, &symbol, sizeof(symbol));
	return 0;
}

const struct uvpi_xml_lib *uvpi_xml_lib(struct uvp_error *err)
{
	static struct uvpi_xml_lib lib;
	static void *loaded;
	void *handle;

	if (loaded)
		return &lib;
	if (uvpi_xml_before_load)
		uvpi_xml_before_load();
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "cannot read XML: %s", dlerror());
		uvpi_hint(err, "install the Debian package libxml2");
		return NULL;
	}
#define FIND(name)                                                                                 \
	if (find(handle, #name, &lib.name, err) < 0)                                               \
		goto out_close;
	UVPI_XML_FUNCTIONS(FIND)
#undef FIND
	lib.xmlInitParser();
	loaded = handle;
	return &lib;

out_close:
	dlclose(handle);
	return NULL;
}
