/*
 * formats_code.c - formats of codes with check digits, and lists of codes.
 *
 * Sources: ISO 13616 (IBAN: lengths of the registry, mod 97), ISO 7812 (cards,
 * Luhn's digit), ISO 3166-1 (countries), ISO 2108 (ISBN), E.164 (telephone).
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/formats.h"

/* Two letters and the length, each four bytes, ascending. */
static const char ml_format_ibans[] =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22"
	"GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20"
	"MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26"
	"UA29VA22VG24XK20YE30";

static const char ml_format_alpha2[] =
	"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ"
	"DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJM"
	"JOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONP"
	"NRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTO"
	"TRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

static const char ml_format_alpha3[] =
	"ABWAFGAGOAIAALAALBANDAREARGARMASMATAATFATGAUSAUTAZEBDIBELBENBESBFABGDBGRBHRBHSBIHBLMBLRBLZBMUBOLBRABRBBRNBTNBVT"
	"BWACAFCANCCKCHECHLCHNCIVCMRCODCOGCOKCOLCOMCPVCRICUBCUWCXRCYMCYPCZEDEUDJIDMADNKDOMDZAECUEGYERIESHESPESTETHFINFJI"
	"FLKFRAFROFSMGABGBRGEOGGYGHAGIBGINGLPGMBGNBGNQGRCGRDGRLGTMGUFGUMGUYHKGHMDHNDHRVHTIHUNIDNIMNINDIOTIRLIRNIRQISLISR"
	"ITAJAMJEYJORJPNKAZKENKGZKHMKIRKNAKORKWTLAOLBNLBRLBYLCALIELKALSOLTULUXLVAMACMAFMARMCOMDAMDGMDVMEXMHLMKDMLIMLTMMR"
	"MNEMNGMNPMOZMRTMSRMTQMUSMWIMYSMYTNAMNCLNERNFKNGANICNIUNLDNORNPLNRUNZLOMNPAKPANPCNPERPHLPLWPNGPOLPRIPRKPRTPRYPSE"
	"PYFQATREUROURUSRWASAUSDNSENSGPSGSSHNSJMSLBSLESLVSMRSOMSPMSRBSSDSTPSURSVKSVNSWESWZSXMSYCSYRTCATCDTGOTHATJKTKLTKM"
	"TLSTONTTOTUNTURTUVTWNTZAUGAUKRUMIURYUSAUZBVATVCTVENVGBVIRVNMVUTWLFWSMYEMZAFZMBZWE";

/* The place of a code among codes of width bytes, ascending, or NULL. */
static const char *
ml_format_find(const char *codes, int size, int width, const char *code, int length)
{
	int			low = 0;
	int			high = size / width;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = memcmp(codes + middle * width, code, length);

		if (order == 0)
			return codes + middle * width;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Two or three capital letters. */
bool
ml_format_country(const char *s, int length)
{
	if (length == 2)
		return ml_format_find(ml_format_alpha2, sizeof ml_format_alpha2 - 1, 2, s, 2) != NULL;
	return length == 3 && ml_format_find(ml_format_alpha3, sizeof ml_format_alpha3 - 1, 3, s, 3) != NULL;
}

/* Drops the separators that stand between two characters. Returns the length, or -1 when there are more than room. */
static int
ml_format_compact(const char *s, int length, const char *separators, char *out, int room)
{
	int			n = 0;

	for (int i = 0; i < length; i++)
	{
		if (s[i] != '\0' && strchr(separators, s[i]) != NULL)
		{
			if (i == 0 || i + 1 == length || strchr(separators, s[i - 1]) != NULL)
				return -1;
			continue;
		}
		if (n == room)
			return -1;
		out[n++] = s[i];
	}
	return n;
}

bool
ml_format_iban(const char *s, int length)
{
	char		code[34];
	int			n = ml_format_compact(s, length, " ", code, sizeof code);
	const char *country = n < 5 ? NULL : ml_format_find(ml_format_ibans, sizeof ml_format_ibans - 1, 4, code, 2);
	int			rest = 0;

	if (country == NULL || (country[2] - '0') * 10 + country[3] - '0' != n ||
		!ml_format_is_digit(code[2]) || !ml_format_is_digit(code[3]))
		return false;
	/* the first four go to the end; letters are the numbers from 10 on */
	for (int i = 0; i < n; i++)
	{
		char		c = code[(i + 4) % n];

		if (ml_format_is_digit(c))
			rest = (rest * 10 + (c - '0')) % 97;
		else if (c >= 'A' && c <= 'Z')
			rest = (rest * 100 + (c - 'A' + 10)) % 97;
		else
			return false;
	}
	return rest == 1;
}

bool
ml_format_card(const char *s, int length)
{
	char		code[19];
	int			n = ml_format_compact(s, length, " -", code, sizeof code);
	int			sum = 0;

	if (n < 12)
		return false;
	for (int i = 0; i < n; i++)
	{
		int			digit = code[n - 1 - i] - '0';

		if (!ml_format_is_digit(code[n - 1 - i]))
			return false;
		if (i % 2 == 1)
			digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
		sum += digit;
	}
	return sum > 0 && sum % 10 == 0;
}

/* + and up to 15 digits, the first not 0. */
bool
ml_format_phone(const char *s, int length)
{
	if (length < 8 || length > 16 || s[0] != '+' || s[1] == '0')
		return false;
	for (int i = 1; i < length; i++)
		if (!ml_format_is_digit(s[i]))
			return false;
	return true;
}

/* Ten digits, the last perhaps X, by weights mod 11; or thirteen that begin with 978 or 979, mod 10. */
bool
ml_format_isbn(const char *s, int length)
{
	char		code[13];
	int			n = ml_format_compact(s, length, " -", code, sizeof code);
	int			sum = 0;

	if (n != 10 && n != 13)
		return false;
	for (int i = 0; i < n; i++)
	{
		bool		ten = n == 10 && i == 9 && code[i] == 'X';

		if (!ten && !ml_format_is_digit(code[i]))
			return false;
		sum += (ten ? 10 : code[i] - '0') * (n == 10 ? 10 - i : i % 2 == 1 ? 3 : 1);
	}
	if (n == 13)
		return memcmp(code, "97", 2) == 0 && code[2] >= '8' && sum % 10 == 0;
	return sum % 11 == 0;
}

/* AAA-GG-SSSS; numbers that are never given out do not hold. */
bool
ml_format_ssn(const char *s, int length)
{
	if (length != 11 || s[3] != '-' || s[6] != '-')
		return false;
	for (int i = 0; i < length; i++)
		if (i != 3 && i != 6 && !ml_format_is_digit(s[i]))
			return false;
	return memcmp(s, "000", 3) != 0 && memcmp(s, "666", 3) != 0 && s[0] != '9' && memcmp(s + 4, "00", 2) != 0 &&
		memcmp(s + 7, "0000", 4) != 0;
}
