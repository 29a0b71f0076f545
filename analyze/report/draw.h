/* draw: the path to the VM hop by hop, the SSH port beside the control ports; put on
 * text.c's page. */
#ifndef REPORT_DRAW_H
#define REPORT_DRAW_H

#include "report/page.h"
#include "sshwhy/report.h"

/* Writes nothing when no port has a hop. */
void draw_path(struct page *page, const struct report *report);

#endif
