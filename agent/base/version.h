/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that says which version this is. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define BAILIFF_VERSION "0.1.0"

#endif
