/* The table of bytes. */
#include "http/octet.h"

#define Z 0
#define S OCTET_VALUE
#define V (OCTET_VALUE | OCTET_WORD)
#define U (V | OCTET_TARGET)
#define H (V | OCTET_TARGET | OCTET_HOST)
#define N (V | OCTET_TOKEN)
#define M (V | OCTET_TARGET | OCTET_TOKEN)
#define A (V | OCTET_TARGET | OCTET_TOKEN | OCTET_HOST)

/* clang-format off */
const uint8_t octet_sets[256] = {
	Z, Z, Z, Z, Z, Z, Z, Z,   Z, S, Z, Z, Z, Z, Z, Z, /* HT */
	Z, Z, Z, Z, Z, Z, Z, Z,   Z, Z, Z, Z, Z, Z, Z, Z,
	S, M, V, N, M, A, M, M,   U, U, M, M, U, A, A, U, /*   ! " # $ % & '  ( ) * + , - . / */
	A, A, A, A, A, A, A, A,   A, A, H, U, V, U, V, U, /* 0 1 2 3 4 5 6 7  8 9 : ; < = > ? */
	U, A, A, A, A, A, A, A,   A, A, A, A, A, A, A, A, /* @ A B C D E F G  H I J K L M N O */
	A, A, A, A, A, A, A, A,   A, A, A, H, U, H, M, A, /* P Q R S T U V W  X Y Z [ \ ] ^ _ */
	M, A, A, A, A, A, A, A,   A, A, A, A, A, A, A, A, /* ` a b c d e f g  h i j k l m n o */
	A, A, A, A, A, A, A, A,   A, A, A, U, M, U, A, Z, /* p q r s t u v w  x y z { | } ~ */
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V,   V, V, V, V, V, V, V, V,
};
/* clang-format on */

#undef Z
#undef S
#undef V
#undef U
#undef H
#undef N
#undef M
#undef A
