package org.luthier.tokenizer.yourmt3;

import java.util.Arrays;

/**
 * Classes of MIDI programs, or of drum numbers, of which a model knows no more than the class: encoding writes the first number that is
 * listed of a class, which is not always the smallest. A number in no class stays. Immutable.
 */
final class NumberClasses {
    private static final String TO_TIMPANI =
            "0 1 3 6 7, 2 4 5, 8-15, 16-23, 24 25, 26-28, 29-31, 32 35, 33 34 36-39," + " 40, 41, 42, 43, 46, 47,";
    private static final String FROM_BRASS = "56-63, 64-71, 72-79, 80-87, 88-95";

    /** The 34 classes of MT3. */
    static final NumberClasses MT3_FULL = new NumberClasses(TO_TIMPANI
            + " 48 49 44 45, 50 51, 52-54, 55, 56 59, 57, 58, 60, 61-63, 64 65, 66, 67, 68, 69, 70, 71, 73 72 74-79,"
            + " 80-87, 88-95");

    /** Those, singing (100) and a choir of it (101). */
    static final NumberClasses MT3_FULL_PLUS = new NumberClasses(MT3_FULL.text + ", 100, 101");

    /** The groups of General MIDI that make music; strings and ensembles are one. */
    static final NumberClasses GM = new NumberClasses("0-7, 8-15, 16-23, 24-31, 32-39, 40-55, " + FROM_BRASS);

    /** Those and singing. The order is that of the channels. */
    static final NumberClasses GM_PLUS = new NumberClasses(GM.text + ", 100 101");

    /** Two kinds of piano, guitar and singing. */
    static final NumberClasses GM_EXT_PLUS =
            new NumberClasses("0 1 3 6 7, 2 4 5, 8-15, 16-23, 24-27, 30 28 29 31, 33 32 34-39, 48 40-47 49-55, "
                    + FROM_BRASS + ", 100, 101");

    /** Drum numbers. */
    static final NumberClasses DRUMS = new NumberClasses(
            "36 35, 37 2, 38 40, 42 44 22, 46 26, 56, 43, 41, 45, 47, 48, 50, 58, 51, 53, 59, 52," + " 49 57, 55");

    private static final int NUMBERS = 128;

    private final String text;
    private final int count;
    private final int[] classes = new int[NUMBERS];
    private final int[] first = new int[NUMBERS];

    /** @param text the numbers of a class apart by spaces, from-to where they go up, and the classes by commas */
    private NumberClasses(String text) {
        this.text = text;
        Arrays.fill(classes, -1);
        Arrays.setAll(first, number -> number);
        String[] lists = text.split(", ?");
        count = lists.length;
        for (int i = 0; i < count; i++) {
            String[] spans = lists[i].split(" ");
            int one = Integer.parseInt(spans[0].split("-")[0]);
            for (String span : spans) {
                String[] ends = span.split("-");
                for (int n = Integer.parseInt(ends[0]); n <= Integer.parseInt(ends[ends.length - 1]); n++) {
                    classes[n] = i;
                    first[n] = one;
                }
            }
        }
    }

    int count() {
        return count;
    }

    /** The number that stands for a number's class; the number itself if it is in none. */
    int representative(int number) {
        return first[number];
    }

    /** The place of a number's class among the classes, from 0; -1 if it is in none. */
    int indexOf(int number) {
        return classes[number];
    }
}
