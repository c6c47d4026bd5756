package org.luthier.tokenizer.yourmt3;

import java.util.List;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.tokens.Tokenizer;
import org.osgi.service.component.annotations.Component;

/**
 * The tokenizers, one for each task. Those of one channel count have one layout, and differ in the classes of programs that they write
 * and in the length of a row. The task {@code exc_v1} is missing: the reference never finished what sets it apart.
 */
public final class Tasks {
    private Tasks() {}

    /** One of each. */
    public static List<NoteTokenizer> all() {
        return List.of(
                new Mt3FullPlus(),
                new Mc13FullPlus(),
                new Mc13FullPlus256(),
                new Mc13(),
                new Mc13Short(),
                new Mt3Full(),
                new Mt3Midi(),
                new Mt3MidiPlus(),
                new GmExtPlus(),
                new SingingV1(),
                new SingingDrumV1());
    }

    /** The classes of MT3, singing included: the published models of one decoder. */
    @Component(service = Tokenizer.class)
    public static final class Mt3FullPlus extends TaskTokenizer {
        public Mt3FullPlus() {
            super(Task.single("mt3_full_plus", NumberClasses.MT3_FULL_PLUS));
        }
    }

    /** The same in thirteen channels of 512 ids. */
    @Component(service = Tokenizer.class)
    public static final class Mc13FullPlus extends TaskTokenizer {
        public Mc13FullPlus() {
            super(Task.multiChannel("mc13_full_plus", NumberClasses.MT3_FULL_PLUS, 512));
        }
    }

    /** The same in thirteen channels of 256 ids: the published models of many channels. */
    @Component(service = Tokenizer.class)
    public static final class Mc13FullPlus256 extends TaskTokenizer {
        public Mc13FullPlus256() {
            super(Task.multiChannel("mc13_full_plus_256", NumberClasses.MT3_FULL_PLUS, 256));
        }
    }

    /** The groups of General MIDI and singing, in thirteen channels of 512 ids. */
    @Component(service = Tokenizer.class)
    public static final class Mc13 extends TaskTokenizer {
        public Mc13() {
            super(Task.multiChannel("mc13", NumberClasses.GM_PLUS, 512));
        }
    }

    /** The groups of General MIDI and singing, in thirteen channels of 256 ids. */
    @Component(service = Tokenizer.class)
    public static final class Mc13Short extends TaskTokenizer {
        public Mc13Short() {
            super(Task.multiChannel("mc13_256", NumberClasses.GM_PLUS, 256));
        }
    }

    /** The classes of MT3. */
    @Component(service = Tokenizer.class)
    public static final class Mt3Full extends TaskTokenizer {
        public Mt3Full() {
            super(Task.single("mt3_full", NumberClasses.MT3_FULL));
        }
    }

    /** The groups of General MIDI. */
    @Component(service = Tokenizer.class)
    public static final class Mt3Midi extends TaskTokenizer {
        public Mt3Midi() {
            super(Task.single("mt3_midi", NumberClasses.GM));
        }
    }

    /** The groups of General MIDI and singing. */
    @Component(service = Tokenizer.class)
    public static final class Mt3MidiPlus extends TaskTokenizer {
        public Mt3MidiPlus() {
            super(Task.single("mt3_midi_plus", NumberClasses.GM_PLUS));
        }
    }

    /** The groups of General MIDI, with two kinds of piano, guitar and singing. */
    @Component(service = Tokenizer.class)
    public static final class GmExtPlus extends TaskTokenizer {
        public GmExtPlus() {
            super(Task.single("gm_ext_plus", NumberClasses.GM_EXT_PLUS));
        }
    }

    /** Everything, or singing alone: ids 3 task, 4 transcribe_singing, 5 transcribe_all. */
    @Component(service = Tokenizer.class)
    public static final class SingingV1 extends TaskTokenizer {
        public SingingV1() {
            super(Task.inParts("singing_v1", 3));
        }
    }

    /** Everything, or singing or drums alone: ids 3 task, 4 transcribe_singing, 5 transcribe_drum, 6 transcribe_all. */
    @Component(service = Tokenizer.class)
    public static final class SingingDrumV1 extends TaskTokenizer {
        public SingingDrumV1() {
            super(Task.inParts("singing_drum_v1", 4));
        }
    }
}
