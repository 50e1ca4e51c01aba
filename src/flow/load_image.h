/*
 * load_image.h - the training rows of a load in a temporary file, for other processes of this server.
 *
 * The image has what folds, designs and learners need: columns, dictionaries
 * and rows, in canonical order. It is as this machine writes numbers, and no
 * longer of use than the set of files that it is in.
 */
#ifndef ML_LOAD_IMAGE_H
#define ML_LOAD_IMAGE_H

#include "flow/load.h"
#include "storage/fileset.h"

/* Writes the image of a load whose training rows are in an ordinary frame. */
extern void ml_load_image_write(const MlLoad *load, FileSet *files);

/*
 * The load of an image, in the current memory context; it has no held-out
 * rows. Rows that do not fit in memory are in temporary files of the owner.
 */
extern MlLoad *ml_load_image_read(FileSet *files, ResourceOwner owner, MlNotes *notes);

#endif							/* ML_LOAD_IMAGE_H */
