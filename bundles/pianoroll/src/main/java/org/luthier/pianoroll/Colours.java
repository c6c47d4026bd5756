package org.luthier.pianoroll;

/** Colours 0xRRGGBB. */
final class Colours {
    static final int WHITE = 0xFFFFFF;
    static final int PAGE = 0xFAFAF7;
    static final int BLACK_KEY_ROW = 0xF1F2F5;
    static final int GRID_FINE = 0xE9EAEE;
    static final int GRID = 0xCDD0D9;
    static final int INK = 0x23262F;
    static final int INK_SOFT = 0x6B7080;
    static final int BLACK_KEY = 0x3A3D48;
    private static final int DRUM = 0x5A5F6C;

    /** A colour for each of the sixteen families of General MIDI, piano first. */
    private static final int[] FAMILIES = {
        0x2F6FD0, 0x1799A8, 0x7A56C9, 0xE07B1A, 0xC8324E, 0x2E9A4F, 0x7A9B1E, 0xC99700,
        0xB0399B, 0x159A7E, 0x9350D8, 0x4A5FE0, 0xD9468A, 0x94701F, 0xB9502A, 0x4F7F8C
    };

    private Colours() {}

    /** The colour of an instrument at full velocity. Programs of one family differ a little in lightness. */
    static int instrument(int program, boolean drum) {
        return drum ? DRUM : mix(FAMILIES[program / 8], WHITE, program % 8 * 0.03);
    }

    /** A colour between two: the first at 0, the second at 1. */
    static int mix(int first, int second, double share) {
        int mixed = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int a = first >> shift & 0xFF;
            int b = second >> shift & 0xFF;
            mixed |= (int) Math.round(a + (b - a) * share) << shift;
        }
        return mixed;
    }
}
