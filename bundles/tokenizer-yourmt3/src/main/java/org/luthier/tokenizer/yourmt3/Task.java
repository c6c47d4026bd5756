package org.luthier.tokenizer.yourmt3;

/**
 * What a checkpoint was trained for.
 *
 * @param name as the checkpoint's hyper parameters give it
 * @param prefixes ids that say which part of the task is wanted, between the special ids and the shifts
 * @param programs the classes of programs
 * @param channels decoder channels: 1, or one for each class of {@link NumberClasses#GM_PLUS} and one for drums
 * @param maxTokens most ids of a segment and channel, end token included, prefix not
 */
record Task(String name, int prefixes, NumberClasses programs, int channels, int maxTokens) {
    private static final int CHANNELS = NumberClasses.GM_PLUS.count() + 1;

    static Task single(String name, NumberClasses programs) {
        return new Task(name, 0, programs, 1, 1024);
    }

    /** A task of which a prefix of two ids asks for a part. */
    static Task inParts(String name, int prefixes) {
        return new Task(name, prefixes, NumberClasses.MT3_FULL_PLUS, 1, 1024);
    }

    static Task multiChannel(String name, NumberClasses programs, int maxTokens) {
        return new Task(name, 0, programs, CHANNELS, maxTokens);
    }

    /** The channel that a program is told in; -1 if there is none. */
    int channelOf(int program) {
        return channels == 1 ? 0 : NumberClasses.GM_PLUS.indexOf(program);
    }

    /** The channel that drums are told in. */
    int drumChannel() {
        return channels - 1;
    }
}
