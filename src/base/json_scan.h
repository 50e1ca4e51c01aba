/*
 * json_scan.h - whether bytes are JSON as type json takes it: one value, or one value a line.
 *
 * A scan takes bytes in pieces of any length and allocates nothing.
 */
#ifndef ML_JSON_SCAN_H
#define ML_JSON_SCAN_H

/* Arrays and objects within one another; deeper is taken for wrong. The server's own limit depends on max_stack_depth. */
#define ML_JSON_DEPTH_MAX	4096

typedef struct MlJsonScan
{
	bool		lines;			/* set by the caller: a value on each line */

	int64		line;			/* the line of the next byte, from 1 */
	int64		values;			/* values, the wrong ones too; with lines, an empty line is one */
	int64		wrong;
	int64		wrong_line;		/* the first of them */
	int64		wrong_byte;		/* and the offset, from 0, of the byte that cannot be */
	bool		last_ended;		/* the last line has an end */

	int64		offset;
	int			state;
	int			digits;			/* of a \u escape that are to come */
	const char *literal;		/* the rest of true, false or null */
	int			depth;
	bool		bad;			/* this value is wrong */
	bool		is_key;			/* the string is a key */
	uint8		is_object[ML_JSON_DEPTH_MAX / 8];
} MlJsonScan;

extern void ml_json_scan_begin(MlJsonScan *scan);
extern void ml_json_scan_bytes(MlJsonScan *scan, const char *bytes, Size n);
extern void ml_json_scan_end(MlJsonScan *scan);

#endif							/* ML_JSON_SCAN_H */
