package org.luthier.midi;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import javax.sound.midi.InvalidMidiDataException;
import javax.sound.midi.MidiSystem;
import javax.sound.midi.Sequence;

/**
 * The JDK's own reader and writer of MIDI files.
 *
 * <p>{@link MidiSystem} looks its providers up through the context class loader, which inside OSGi may be anybody's. For the time of
 * a call it is the platform's, so that only the JDK's providers are found and none of a bundle's classes is kept.
 */
final class JavaSound {
    /** Several tracks that sound together. */
    private static final int FORMAT = 1;

    private JavaSound() {}

    static void write(Sequence sequence, OutputStream out) throws IOException {
        ClassLoader previous = usePlatformLoader();
        try {
            MidiSystem.write(sequence, FORMAT, out);
        } finally {
            Thread.currentThread().setContextClassLoader(previous);
        }
    }

    static Sequence read(InputStream in) throws IOException, InvalidMidiDataException {
        ClassLoader previous = usePlatformLoader();
        try {
            return MidiSystem.getSequence(in);
        } finally {
            Thread.currentThread().setContextClassLoader(previous);
        }
    }

    private static ClassLoader usePlatformLoader() {
        ClassLoader previous = Thread.currentThread().getContextClassLoader();
        Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
        return previous;
    }
}
