/*
 * detectors.c - the table of detectors of change, and streams in progress.
 *
 * Names, parameters and defaults are River's. A stream is one allocation in
 * the context it is given.
 */
#include "postgres.h"

#include <math.h>

#include "base/bytes.h"
#include "base/compat.h"
#include "base/text.h"
#include "drift/detector.h"
#include "math/elementary.h"

#define ML_DETECTION_FORMAT		1

/* The words of a state of fixed size. */
#define ML_DETECTOR_WORDS(type)	(sizeof(type) / sizeof(double))

/* The functions of math/detect.h on words; name_words_used and name_words_valid where all words are always in use. */
#define ML_DETECTOR_ON_WORDS(name, type) \
static int name##_words_add(double *words, double x) { return name##_add((type *) words, x); } \
static double name##_words_level(const double *words) { return name##_level((const type *) words); }

#define ML_DETECTOR_FIXED(name, type) \
ML_DETECTOR_ON_WORDS(name, type) \
static Size name##_words_used(const double *words) { return ML_DETECTOR_WORDS(type); } \
static bool name##_words_valid(const double *words, Size n) { return n == ML_DETECTOR_WORDS(type); }

/* ---- adwin ---- */

static const MlParam ml_adwin_params[] = {
	{"delta", ML_PARAM_NUMBER, "0.002", 1e-300, 1, NULL, "The chance of a false alarm; smaller is less sensitive."},
	{"clock", ML_PARAM_INTEGER, "32", 1, 1e9, NULL, "A look at the window every so many numbers."},
	{"max_buckets", ML_PARAM_INTEGER, "5", 1, ML_ADWIN_BUCKETS_MAX, NULL, "Buckets of one size; more find the place of a change more exactly."},
	{"min_window_length", ML_PARAM_INTEGER, "5", 1, 1e9, NULL, "Numbers on both sides of a cut."},
	{"grace_period", ML_PARAM_INTEGER, "10", 0, 1e9, NULL, "No look before so many numbers."}
};

ML_DETECTOR_ON_WORDS(ml_adwin, MlAdwin)

static Size
ml_adwin_params_size(const MlParamValue *values)
{
	return ml_adwin_size((int) values[2].number);
}

static void
ml_adwin_params_begin(double *words, const MlParamValue *values)
{
	MlAdwin    *s = (MlAdwin *) words;

	s->delta = values[0].number;
	s->clock = values[1].number;
	s->max_buckets = values[2].number;
	s->min_window = values[3].number;
	s->grace = values[4].number;
	ml_adwin_begin(s);
}

static Size
ml_adwin_words_used(const double *words)
{
	return ml_adwin_used((const MlAdwin *) words);
}

static Size
ml_adwin_words_room(const double *words)
{
	return ml_adwin_size((int) ((const MlAdwin *) words)->max_buckets);
}

static const MlDetector ml_detector_adwin = {
	.name = "adwin",
	.summary = "a window that keeps growing until its older part has another mean than its newer one",
	.input = ML_DETECTOR_ANY,
	.params = ml_adwin_params,
	.nparams = lengthof(ml_adwin_params),
	.size = ml_adwin_params_size,
	.begin = ml_adwin_params_begin,
	.add = ml_adwin_words_add,
	.level = ml_adwin_words_level,
	.used = ml_adwin_words_used,
	.valid = ml_adwin_valid,
	.room = ml_adwin_words_room
};

/* ---- hddm_w ---- */

static const MlParam ml_hddm_params[] = {
	{"drift_confidence", ML_PARAM_NUMBER, "0.001", 1e-300, 1, NULL, "The chance, by its bound, that a change is none."},
	{"warning_confidence", ML_PARAM_NUMBER, "0.005", 1e-300, 1, NULL, "The same of a warning."},
	{"lambda_val", ML_PARAM_NUMBER, "0.05", 1e-9, 1, NULL, "The weight of a new number; smaller looks back further."},
	{"two_sided_test", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "Whether decreases count too."}
};

ML_DETECTOR_FIXED(ml_hddm, MlHddm)

static Size
ml_hddm_params_size(const MlParamValue *values)
{
	return ML_DETECTOR_WORDS(MlHddm);
}

static void
ml_hddm_params_begin(double *words, const MlParamValue *values)
{
	MlHddm	   *s = (MlHddm *) words;

	s->drift = -ml_log(values[0].number);
	s->warning = -ml_log(values[1].number);
	s->lambda = values[2].number;
	s->two_sided = values[3].number;
	ml_hddm_begin(s);
}

static const MlDetector ml_detector_hddm_w = {
	.name = "hddm_w",
	.summary = "exponentially weighted means before and after the best cut",
	.input = ML_DETECTOR_SHARE,
	.params = ml_hddm_params,
	.nparams = lengthof(ml_hddm_params),
	.size = ml_hddm_params_size,
	.begin = ml_hddm_params_begin,
	.add = ml_hddm_words_add,
	.level = ml_hddm_words_level,
	.used = ml_hddm_words_used,
	.valid = ml_hddm_words_valid,
	.room = ml_hddm_words_used
};

/* ---- page_hinkley ---- */

static const MlParam ml_page_hinkley_params[] = {
	{"min_instances", ML_PARAM_INTEGER, "30", 1, 1e15, NULL, "No change is found before so many numbers."},
	{"delta", ML_PARAM_NUMBER, "0.005", 0, 1e300, NULL, "A deviation from the mean that counts for nothing."},
	{"threshold", ML_PARAM_NUMBER, "50", 0, 1e300, NULL, "The sum of deviations that is a change, in the unit of the numbers."},
	{"alpha", ML_PARAM_NUMBER, "0.9999", 0, 1, NULL, "What is left of the sum at each number."},
	{"mode", ML_PARAM_TEXT, "both", 0, 0, "up|down|both", "Whether increases, decreases or both count."}
};

ML_DETECTOR_FIXED(ml_page_hinkley, MlPageHinkley)

static Size
ml_page_hinkley_params_size(const MlParamValue *values)
{
	return ML_DETECTOR_WORDS(MlPageHinkley);
}

static void
ml_page_hinkley_params_begin(double *words, const MlParamValue *values)
{
	MlPageHinkley *s = (MlPageHinkley *) words;

	s->min_values = values[0].number;
	s->delta = values[1].number;
	s->threshold = values[2].number;
	s->alpha = values[3].number;
	s->up = strcmp(values[4].text, "down") != 0;
	s->down = strcmp(values[4].text, "up") != 0;
	ml_page_hinkley_begin(s);
}

static const MlDetector ml_detector_page_hinkley = {
	.name = "page_hinkley",
	.summary = "the sum of deviations from the running mean",
	.input = ML_DETECTOR_ANY,
	.params = ml_page_hinkley_params,
	.nparams = lengthof(ml_page_hinkley_params),
	.size = ml_page_hinkley_params_size,
	.begin = ml_page_hinkley_params_begin,
	.add = ml_page_hinkley_words_add,
	.level = ml_page_hinkley_words_level,
	.used = ml_page_hinkley_words_used,
	.valid = ml_page_hinkley_words_valid,
	.room = ml_page_hinkley_words_used
};

/* ---- ddm ---- */

static const MlParam ml_ddm_params[] = {
	{"warm_start", ML_PARAM_INTEGER, "30", 1, 1e15, NULL, "Nothing is found before so many numbers."},
	{"warning_threshold", ML_PARAM_NUMBER, "2", 0, 1e6, NULL, "Standard deviations above the least share of errors that are a warning."},
	{"drift_threshold", ML_PARAM_NUMBER, "3", 0, 1e6, NULL, "The same of a change."}
};

ML_DETECTOR_FIXED(ml_ddm, MlDdm)

static Size
ml_ddm_params_size(const MlParamValue *values)
{
	return ML_DETECTOR_WORDS(MlDdm);
}

static void
ml_ddm_params_begin(double *words, const MlParamValue *values)
{
	MlDdm	   *s = (MlDdm *) words;

	s->warm_start = values[0].number;
	s->warning = values[1].number;
	s->drift = values[2].number;
	ml_ddm_begin(s);
}

static const MlDetector ml_detector_ddm = {
	.name = "ddm",
	.summary = "the share of errors against the least there was",
	.input = ML_DETECTOR_SHARE,
	.params = ml_ddm_params,
	.nparams = lengthof(ml_ddm_params),
	.size = ml_ddm_params_size,
	.begin = ml_ddm_params_begin,
	.add = ml_ddm_words_add,
	.level = ml_ddm_words_level,
	.used = ml_ddm_words_used,
	.valid = ml_ddm_words_valid,
	.room = ml_ddm_words_used
};

/* ---- eddm ---- */

static const MlParam ml_eddm_params[] = {
	{"warm_start", ML_PARAM_INTEGER, "30", 1, 1e15, NULL, "Nothing is found before so many errors."},
	{"alpha", ML_PARAM_NUMBER, "0.95", 0, 1, NULL, "A share of the greatest distance between errors below which is a warning."},
	{"beta", ML_PARAM_NUMBER, "0.9", 0, 1, NULL, "The same of a change; at most alpha."}
};

ML_DETECTOR_FIXED(ml_eddm, MlEddm)

static Size
ml_eddm_params_size(const MlParamValue *values)
{
	if (values[1].number < values[2].number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"beta\" of detector \"eddm\" must not exceed parameter \"alpha\""),
				 errdetail("They are %s and %s.", ml_text_number(values[2].number), ml_text_number(values[1].number)),
				 errhint("A warning comes before a change.")));
	return ML_DETECTOR_WORDS(MlEddm);
}

static void
ml_eddm_params_begin(double *words, const MlParamValue *values)
{
	MlEddm	   *s = (MlEddm *) words;

	s->warm_start = values[0].number;
	s->alpha = values[1].number;
	s->beta = values[2].number;
	ml_eddm_begin(s);
}

static const MlDetector ml_detector_eddm = {
	.name = "eddm",
	.summary = "the distance between errors against the greatest there was",
	.input = ML_DETECTOR_ERROR,
	.params = ml_eddm_params,
	.nparams = lengthof(ml_eddm_params),
	.size = ml_eddm_params_size,
	.begin = ml_eddm_params_begin,
	.add = ml_eddm_words_add,
	.level = ml_eddm_words_level,
	.used = ml_eddm_words_used,
	.valid = ml_eddm_words_valid,
	.room = ml_eddm_words_used
};

/* ---- kswin ---- */

static const MlParam ml_kswin_params[] = {
	{"alpha", ML_PARAM_NUMBER, "0.005", 0, 1, NULL, "The chance of a false alarm at one number."},
	{"window_size", ML_PARAM_INTEGER, "100", 2, ML_KSWIN_WINDOW_MAX, NULL, "Numbers in the window."},
	{"stat_size", ML_PARAM_INTEGER, "30", 1, ML_KSWIN_WINDOW_MAX / 2, NULL, "The newest of them, which are compared; at most half."},
	{"seed", ML_PARAM_INTEGER, "0", -9007199254740991.0, 9007199254740991.0, NULL, "Of the samples that are drawn."}
};

ML_DETECTOR_ON_WORDS(ml_kswin, MlKswin)

static Size
ml_kswin_params_size(const MlParamValue *values)
{
	if (2 * values[2].number > values[1].number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"stat_size\" of detector \"kswin\" must not exceed half of parameter \"window_size\""),
				 errdetail("They are %s and %s.", ml_text_number(values[2].number), ml_text_number(values[1].number)),
				 errhint("As many numbers are drawn from the older ones in the window.")));
	return ml_kswin_size((int) values[1].number, (int) values[2].number);
}

static void
ml_kswin_params_begin(double *words, const MlParamValue *values)
{
	MlKswin    *s = (MlKswin *) words;
	uint64		seed = (uint64) fabs(values[3].number);

	s->alpha = values[0].number;
	s->window = values[1].number;
	s->stat = values[2].number;
	s->seed = (uint32) seed;
	s->seed_high = (uint32) (seed >> 32);
	ml_kswin_begin(s);
}

static Size
ml_kswin_words_used(const double *words)
{
	return ml_kswin_used((const MlKswin *) words);
}

static Size
ml_kswin_words_room(const double *words)
{
	const MlKswin *s = (const MlKswin *) words;

	return ml_kswin_size((int) s->window, (int) s->stat);
}

static const MlDetector ml_detector_kswin = {
	.name = "kswin",
	.summary = "the newest numbers of a window against a sample of the older ones",
	.input = ML_DETECTOR_ANY,
	.params = ml_kswin_params,
	.nparams = lengthof(ml_kswin_params),
	.size = ml_kswin_params_size,
	.begin = ml_kswin_params_begin,
	.add = ml_kswin_words_add,
	.level = ml_kswin_words_level,
	.used = ml_kswin_words_used,
	.valid = ml_kswin_valid,
	.room = ml_kswin_words_room
};

/* ---- the table ---- */

const MlDetector *const ml_detectors[] = {
	&ml_detector_adwin,
	&ml_detector_hddm_w,
	&ml_detector_page_hinkley,
	&ml_detector_ddm,
	&ml_detector_eddm,
	&ml_detector_kswin,
	NULL
};

const MlDetector *
ml_detector_find(const char *name)
{
	for (int i = 0; ml_detectors[i]; i++)
		if (strcmp(ml_detectors[i]->name, name) == 0)
			return ml_detectors[i];
	return NULL;
}

List *
ml_detectors_list(void)
{
	List	   *names = NIL;

	for (int i = 0; ml_detectors[i]; i++)
		names = lappend(names, unconstify(char *, ml_detectors[i]->name));
	return names;
}

/* ---- streams ---- */

MlDetection *
ml_detection_begin(const MlDetector *detector, Jsonb *params, MemoryContext context)
{
	char	   *owner = psprintf("detector \"%s\"", detector->name);
	MlParamValue *values = ml_options_parse(owner, detector->params, detector->nparams, params, NIL);
	Size		size = detector->size(values);
	MlDetection *detection = MemoryContextAlloc(context, sizeof(MlDetection));

	detection->detector = detector;
	detection->size = size;
	detection->words = MemoryContextAllocZero(context, size * sizeof(double));
	detector->begin(detection->words, values);
	return detection;
}

static ML_NORETURN void
ml_detection_refuse(const MlDetector *detector, double x)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("detector \"%s\" cannot take the value %s", detector->name, ml_text_number(x)),
			 errdetail("It takes %s.", detector->input == ML_DETECTOR_ANY ? "finite numbers" :
					   detector->input == ML_DETECTOR_SHARE ? "numbers from 0 to 1" : "1 for an error and 0 for none"),
			 errhint("Filter the rows, or scale the values; NULL is passed over.")));
}

int
ml_detection_add(MlDetection *detection, double x)
{
	const MlDetector *detector = detection->detector;

	if (!isfinite(x) || (detector->input == ML_DETECTOR_SHARE && !(x >= 0 && x <= 1)) ||
		(detector->input == ML_DETECTOR_ERROR && x != 0 && x != 1))
		ml_detection_refuse(detector, x);
	return detector->add(detection->words, x);
}

double
ml_detection_level(const MlDetection *detection)
{
	return detection->detector->level(detection->words);
}

bytea *
ml_detection_encode(const MlDetection *detection)
{
	Size		used = detection->detector->used(detection->words);
	StringInfoData out;

	pq_begintypsend(&out);
	ml_write_u8(&out, ML_DETECTION_FORMAT);
	for (Size i = 0; i < used; i++)
		ml_write_f64(&out, detection->words[i]);
	return pq_endtypsend(&out);
}

MlDetection *
ml_detection_decode(const MlDetector *detector, bytea *bytes, MemoryContext context)
{
	const uint8 *at = (const uint8 *) VARDATA_ANY(bytes);
	Size		length = VARSIZE_ANY_EXHDR(bytes);
	MlReader	in = {at + 1, at + length};
	Size		used = length / sizeof(double);
	double	   *words = palloc(Max(used, 1) * sizeof(double));
	MlDetection *detection;

	/* a byte more than its numbers */
	if (length % sizeof(double) != 1 || at[0] != ML_DETECTION_FORMAT)
		used = 0;
	for (Size i = 0; i < used; i++)
		words[i] = ml_read_f64(&in);
	if (used == 0 || !detector->valid(words, used))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("state of detector \"%s\" is damaged", detector->name),
				 errdetail("It has %zu bytes.", length),
				 errhint("Delete it: the detector begins anew with the labels that come.")));
	detection = MemoryContextAlloc(context, sizeof(MlDetection));
	detection->detector = detector;
	detection->size = detector->room(words);
	detection->words = MemoryContextAllocZero(context, detection->size * sizeof(double));
	memcpy(detection->words, words, used * sizeof(double));
	pfree(words);
	return detection;
}
