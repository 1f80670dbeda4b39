#: about = "a dynamic program started by its loader, with a library of the project found by LD_LIBRARY_PATH"
#: setup = '''
#: printf 'int answer(void) { return 42; }' > a.c; gcc -shared -fPIC -o libanswer.so a.c
#: printf 'int answer(void); int main(void) { return answer() != 42; }' > m.c; gcc -o main m.c -L. -lanswer
#: '''
#: needs = ["program:/lib64/ld-linux-x86-64.so.2"]
#: reads = ["main", "libanswer.so"]
LD_LIBRARY_PATH=$PWD exec /lib64/ld-linux-x86-64.so.2 ./main
