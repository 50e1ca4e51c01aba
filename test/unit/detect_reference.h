/*
 * detect_reference.h - where River 0.26 sees changes, and where its warnings begin, in the streams of test_detect.c.
 *
 * Places are counted from 1.
 */
#ifndef ML_DETECT_REFERENCE_H
#define ML_DETECT_REFERENCE_H

static const int ml_adwin_errors[] = {
	1088, 2080, 3104
};
static const int ml_adwin_small[] = {
	1056, 2032, 3048
};
static const int ml_adwin_numbers[] = {
	1088, 3040
};
static const int ml_hddm_errors[] = {
	1058, 3622
};
static const int ml_hddm_errors_warnings[] = {
	1036, 1056, 1546, 1741, 3076, 3127, 3500, 3502, 3524, 3585, 3587, 3615, 3617, 3619, 3838, 3840
};
static const int ml_hddm_two[] = {
	1058, 2019, 2167, 2231, 2306, 3622
};
static const int ml_hddm_two_warnings[] = {
	1036, 1056, 1498, 1511, 1515, 1546, 1741, 1781, 2014, 2095, 2226, 2296, 3076, 3127, 3500, 3502, 3524, 3585,
	3587, 3617, 3619, 3761, 3786, 3838, 3840
};
static const int ml_hddm_numbers[] = {
	1760, 3028
};
static const int ml_hddm_numbers_warnings[] = {
	1084, 1091, 1172, 1278, 1294, 1298, 1304, 1307, 1322, 1340, 1349, 1354, 1379, 1495, 1498, 1501, 1504, 1508,
	1512, 1515, 1517, 1522, 1563, 1566, 1568, 1574, 1577, 1582, 1584, 1649, 1674, 1712, 1722, 1730, 1734, 1740,
	1753, 3025
};
static const int ml_page_errors[] = {
	1208, 2162, 3282
};
static const int ml_page_both[] = {
	475, 1011, 1240, 1604, 2016, 2710, 3040, 3279, 3524, 3619
};
static const int ml_page_up[] = {
	595, 1042, 1797
};
static const int ml_page_down[] = {
	963, 3009
};
static const int ml_ddm_errors[] = {
	80, 1094
};
static const int ml_ddm_errors_warnings[] = {
	51, 67, 471, 497, 1049, 1153, 1155, 1165, 1719, 1722, 1732, 1737, 1865, 1867, 1879
};
static const int ml_eddm_errors[] = {
	121, 274, 429, 1040, 1104, 1481, 1564, 1632, 1707, 1823, 3071, 3524, 3627, 3738, 3874
};
static const int ml_eddm_errors_warnings[] = {
	572, 605, 728, 921, 998, 1102, 1200, 1386, 1794, 1935, 1995, 2718, 2812, 2980, 3183, 3215, 3241, 3456, 3999
};
static const int ml_eddm_stable[] = {
	121, 274, 429, 1142, 1868, 1992, 2685, 3070
};
static const int ml_eddm_stable_warnings[] = {
	1040, 1210, 1402, 1954, 2320, 2380, 2543, 3011, 3524, 3577
};
static const int ml_kswin_numbers[] = {
	509, 726, 1047, 1201, 2581, 3016, 3185
};
static const int ml_kswin_pool[] = {
	1068, 3031
};
static const int ml_kswin_set[] = {
	3014
};
static const int ml_kswin_seed[] = {
	735, 1046, 3020
};
static const int ml_kswin_errors[] = {
	2030
};

#endif							/* ML_DETECT_REFERENCE_H */
