/*
 * detector.h - the family of detectors: whether, and where, a stream of numbers changed.
 *
 * Unlike drift statistics, which compare two sets of rows, a detector sees
 * numbers one at a time in the order of events and keeps a state of bounded
 * size, which can be written down and taken up later. The arithmetic is
 * math/detect.h.
 */
#ifndef ML_DETECTOR_H
#define ML_DETECTOR_H

#include "base/options.h"
#include "fmgr.h"
#include "math/detect.h"

/* What numbers a detector takes. */
typedef enum MlDetectorInput
{
	ML_DETECTOR_ANY,			/* finite ones */
	ML_DETECTOR_SHARE,			/* from 0 to 1 */
	ML_DETECTOR_ERROR			/* 0 or 1 */
} MlDetectorInput;

/* A member of the family; the functions are those of math/detect.h, on the words of a state. */
typedef struct MlDetector
{
	const char *name;
	const char *summary;
	MlDetectorInput input;
	const MlParam *params;
	int			nparams;
	/* The words that a state takes, with its room; raises an error where parameters do not fit together. */
	Size		(*size) (const MlParamValue *values);
	void		(*begin) (double *words, const MlParamValue *values);
	int			(*add) (double *words, double x);
	double		(*level) (const double *words);
	Size		(*used) (const double *words);
	bool		(*valid) (const double *words, Size n); /* of the words used */
	Size		(*room) (const double *words);	/* the words that a valid state takes, with its room */
} MlDetector;

/* A stream in progress. */
typedef struct MlDetection
{
	const MlDetector *detector;
	Size		size;			/* words */
	double	   *words;
} MlDetection;

/* All detectors, NULL behind the last. */
extern const MlDetector *const ml_detectors[];

/* The detector of that name, or NULL; and all names, a List of char *. */
extern const MlDetector *ml_detector_find(const char *name);
extern List *ml_detectors_list(void);

/* Begins a stream with parameters, which may be NULL; memory is the given context's. */
extern MlDetection *ml_detection_begin(const MlDetector *detector, Jsonb *params, MemoryContext context);

/* Takes in a number: ML_DETECT_DRIFT, ML_DETECT_WARNING. Raises ERRCODE_INVALID_PARAMETER_VALUE for one it cannot take. */
extern int	ml_detection_add(MlDetection *detection, double x);

/* The level it sees now; NaN where there is none. */
extern double ml_detection_level(const MlDetection *detection);

/* The state as bytes, big-endian: u8 format 1, then doubles; and the inverse, which raises ERRCODE_DATA_CORRUPTED. */
extern bytea *ml_detection_encode(const MlDetection *detection);
extern MlDetection *ml_detection_decode(const MlDetector *detector, bytea *bytes, MemoryContext context);

#endif							/* ML_DETECTOR_H */
