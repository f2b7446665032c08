# A tree of files made, found, measured, moved, linked and removed by busybox's programs.
mkdir -p tree/a/b tree/c
for n in 1 2 3; do seq 1 $((n * 100)) > tree/a/file$n; done
cp tree/a/file1 tree/c/copy
ln -s ../a/file2 tree/c/link
ln tree/a/file3 tree/a/b/hard
find tree | sort
find tree -type f -size +1k | sort
find tree -name 'file[12]' -exec wc -l {} \; | sort
readlink tree/c/link
head -n 1 tree/c/link
mv tree/c/copy tree/c/moved
ls tree/c
chmod 640 tree/c/moved
stat -c '%a %s %h' tree/c/moved tree/a/b/hard
touch -d '2001-02-03 04:05:06' tree/c/moved
find tree -not -newer tree/c/moved | sort
grep -r -l 250 tree | sort
md5sum tree/a/file1 tree/a/file2
du -a tree/c > /dev/null && echo du
rm -r tree/a
find tree | sort
rmdir tree
echo "status $?"
test -e tree/c/link || echo "the link leads nowhere"
rm -r tree
ls
