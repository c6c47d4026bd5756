package org.luthier.midi;

/**
 * Hands out MIDI channels to voices: notes that want a program, and perhaps a pitch wheel, of their own.
 *
 * <p>A voice keeps its channel until there are more than 15. Then a new one gets the channel that has been silent for the longest, or,
 * if all sound, the one that falls silent first. Used for one file, in order of time.
 */
final class Channels {
    static final int DRUMS = 9;
    private static final int COUNT = 16;

    /**
     * What shares a channel.
     *
     * @param program MIDI program
     * @param pitch MIDI pitch, or {@link #ANY_PITCH}
     */
    record Voice(int program, int pitch) {
        static final int ANY_PITCH = -1;
    }

    private final Voice[] voices = new Voice[COUNT];
    private final long[] soundsUntil = new long[COUNT];

    /** The channel of a melodic voice's next note, which ends at a tick. */
    int channelFor(Voice voice, long end) {
        int channel = choose(voice);
        voices[channel] = voice;
        soundsUntil[channel] = Math.max(soundsUntil[channel], end);
        return channel;
    }

    private int choose(Voice voice) {
        int silentFirst = 0;
        for (int channel = 0; channel < COUNT; channel++) {
            if (channel != DRUMS) {
                if (voice.equals(voices[channel])) {
                    return channel;
                }
                if (soundsUntil[channel] < soundsUntil[silentFirst]) {
                    silentFirst = channel;
                }
            }
        }
        // A channel never used has been silent since tick 0.
        return silentFirst;
    }
}
