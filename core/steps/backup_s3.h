/* first-backup's second half: the file on the host goes to storage that speaks S3, and is read back to its
 * end. */
#ifndef CORE_STEPS_BACKUP_S3_H
#define CORE_STEPS_BACKUP_S3_H

#include "core/job.h"
#include "core/links/ssh.h"

/* Where nightferry.yml names no storage, the first two do nothing. */
void backup_s3_plan(struct job *job, struct plan *plan);
/* Uploads that file of the host, unless it is there already. */
struct backup_file {
	char path[360], sha256[65];
	int64_t size_bytes;
};
int backup_s3_run(struct job *job, struct ssh *ssh, const struct backup_file *file, struct err *err);
/* An upload by the host's own worker that an earlier attempt began goes on. */
int backup_s3_runs(struct job *job, bool *runs, struct err *err);
/* It was uploaded and read back, and nothing newer lies on the host; true also where no storage is named. */
bool backup_s3_done(struct job *job);
/* A fresh look: it is there, as large as it was. */
void backup_s3_prove(struct job *job, struct evidence *ev);

#endif
