package org.luthier.assembler.yourmt3;

import java.util.HashMap;
import java.util.Map;

/**
 * What the reference writes for a program: one program for each class of sounds that it tells apart.
 *
 * @param number the program that stands for the class
 * @param name of the class
 */
record OutputProgram(int number, String name) {
    static final OutputProgram DRUMS = new OutputProgram(NoteEvent.DRUMS, "Drums");

    private static final int SINGING = 100;
    private static final int CHORUS = 101;
    private static final Map<Integer, OutputProgram> CLASSES = classes();

    private static Map<Integer, OutputProgram> classes() {
        Map<Integer, OutputProgram> classes = new HashMap<>();
        put(classes, "Acoustic Piano", 0, 0, 7);
        put(classes, "Electric Piano", 2, 2, 2, 4, 5);
        put(classes, "Chromatic Percussion", 8, 8, 15);
        put(classes, "Organ", 16, 16, 23);
        put(classes, "Guitar (clean)", 24, 24, 27);
        put(classes, "Guitar (distortion)", 30, 28, 31);
        put(classes, "Bass", 33, 32, 39);
        put(classes, "Strings", 48, 40, 55);
        put(classes, "Brass", 56, 56, 63);
        put(classes, "Reed", 64, 64, 71);
        put(classes, "Pipe", 72, 72, 79);
        put(classes, "Synth Lead", 80, 80, 87);
        put(classes, "Synth Pad", 88, 88, 95);
        put(classes, "Singing Voice", SINGING, SINGING, SINGING);
        put(classes, "Singing Voice (chorus)", CHORUS, CHORUS, CHORUS);
        return Map.copyOf(classes);
    }

    /** @param spans first and last programs, in turns; those of an earlier class that are named again leave it */
    private static void put(Map<Integer, OutputProgram> classes, String name, int number, int... spans) {
        OutputProgram output = new OutputProgram(number, name);
        for (int i = 0; i < spans.length; i += 2) {
            for (int program = spans[i]; program <= spans[i + 1]; program++) {
                classes.put(program, output);
            }
        }
    }

    /** That of a program; one in no class stands for itself. */
    static OutputProgram of(int program) {
        OutputProgram output = CLASSES.get(program);
        return output == null ? new OutputProgram(program, "Prg. " + program) : output;
    }

    /** The sound that General MIDI has for it: a saxophone sings, oohs are a choir. */
    int sound() {
        return switch (number) {
            case SINGING -> 65;
            case CHORUS -> 53;
            case NoteEvent.DRUMS -> 0;
            default -> number;
        };
    }
}
